/* SPDX-License-Identifier: Apache-2.0
 *
 * Is called otherwise than its file.
 */
#include "evil.h"

EVIL_OTHERWISE_GOOD("another_name");
