/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_bare FILE: the file through libyaml's event parser and nothing else, which is the least that anybody who reads
 * YAML with it can take. `levada check` is measured beside it. Prints how many events there were.
 */
#include <stdbool.h>
#include <stdio.h>
#include <yaml.h>

int
main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    yaml_parser_t parser;
    if (file == NULL || !yaml_parser_initialize(&parser)) return 2;
    yaml_parser_set_input_file(&parser, file);
    size_t events = 0;
    for (bool done = false; !done; events++) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            fprintf(stderr, "yaml_bare: line %zu: %s\n", parser.problem_mark.line + 1, parser.problem);
            return 1;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    fclose(file);
    printf("%zu events\n", events);
    return 0;
}
