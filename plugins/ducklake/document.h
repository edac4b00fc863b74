/* SPDX-License-Identifier: Apache-2.0
 *
 * document.h: one YAML document (JSON is YAML too) as jansson values.
 */
#ifndef DUCKLAKE_DOCUMENT_H
#define DUCKLAKE_DOCUMENT_H

#include <jansson.h>

#include "lake.h"

#define DOCUMENT_SIZE_MAX (1u << 20)

/* Read the file. *content gets its text, for a digest. 0 or a class; the fault names file, line and column. */
int document_read(struct work *work, const char *path, json_t **ret, const char **content);

#endif
