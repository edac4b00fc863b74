/* SPDX-License-Identifier: Apache-2.0
 *
 * The only way text gets into a page: escaped. What comes from steps (names, outputs, logs, errors) is hostile
 * until it went through here; markup of our own goes in with buf_text.
 */
#ifndef SHOW_HTML_H
#define SHOW_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/value.h"

/* Text for an element or a quoted attribute. Controls and bidi marks become visible, bad UTF-8 too. */
void html_text(struct buf *buf, const char *text);
void html_textn(struct buf *buf, const char *text, size_t size);
/* A relative address in a quoted attribute: everything but letters, digits and -._~/ as %XX. */
void html_path(struct buf *buf, const char *path);
/* Any value: texts, numbers, nested maps, lists; a list of maps becomes a table; a reference to a secret says so. */
void html_value(struct buf *buf, const struct value *value);
/* A map as a table of names and values, then what is a table itself; nothing for an empty one. */
void html_map(struct buf *buf, const struct value *map);
/* Does it hold a table, which wants the whole width? */
bool html_map_is_wide(const struct value *map);

#endif
