/* SPDX-License-Identifier: Apache-2.0
 *
 * Every maximum, with its reason. A refusal names the limit and its value.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB 1024u
#define MIB (1024u * 1024u)

/* The workflow file. */
#define LIMIT_WORKFLOW_SIZE (32u * MIB)  /* 100,000 steps of 330 bytes; a file that is refused takes no more memory */
#define LIMIT_STEPS 100000u              /* one run, one machine */
#define LIMIT_INCLUDES 16u               /* workflows within workflows: more is a circle that goes by other names */
#define LIMIT_NESTING 12u                /* groups and workflows around a step: each takes three of LIMIT_DEPTH */
#define LIMIT_ITEMS 100000u              /* items of one loop: as many as steps of a file */
#define LIMIT_INSTANCES 1000000u         /* steps and items of one run: about 400 bytes each */
#define LIMIT_ITEM_KEY 1024u             /* an item's key: S3 keys are as long */
#define LIMIT_DEPTH 64u                  /* nesting of values in YAML and JSON: recursion is bounded by it */
#define LIMIT_NODES 4000000u             /* values in it: memory, at about 100 bytes each */
#define LIMIT_MEMBERS 20000u             /* of one map; twice what a large loop over one has */
#define LIMIT_ITEMS 100000u              /* of one list: as many as there may be steps */
#define LIMIT_VALUE_TEXT (2u * MIB)      /* one text of it, and the comments before it */
#define LIMIT_ALIASES 10000u             /* nodes that aliases may expand to (alias bombs) */
#define LIMIT_DIAGNOSTICS 100u           /* one pass; more help nobody */
#define LIMIT_ID_SIZE 128u               /* ids of steps, params, secrets; part of file names */
#define LIMIT_POOL_NAME 64u              /* names of pools; names of folders */
#define LIMIT_GROUP_NAME 1024u           /* names of groups, evaluated */

/* Expressions. */
#define LIMIT_EXPR_SIZE (16u * KIB)
#define LIMIT_EXPR_INSTRUCTIONS 1000000u /* about 10 ms */
#define LIMIT_EXPR_MEMORY (16u * MIB)    /* one evaluation, operands included */
#define LIMIT_LUA_INSTRUCTIONS 200000000u /* a `lua:` step: seconds */
#define LIMIT_HOOK_INSTRUCTIONS 20000000u /* a hook stands beside the work: half a second */
#define LIMIT_HOOK_SIZE (1024u * KIB)    /* its file */
#define LIMIT_LUA_MEMORY (256u * MIB)

/* Values and frames. */
#define LIMIT_VALUE_SIZE (64u * MIB)     /* one JSON text: outputs, params, reports */
#define LIMIT_FRAME_INLINE (64u * KIB)   /* larger payloads go as a sealed memfd */
#define LIMIT_OUTPUT_SIZE (16u * MIB)    /* all outputs of one attempt */
#define LIMIT_MESSAGE_SIZE 2048u         /* an error message */
#define LIMIT_ENV_VALUE (128u * KIB)     /* the kernel's MAX_ARG_STRLEN: one variable */
#define LIMIT_SECRET_MIN 6u              /* shorter ones cannot be masked without masking everything */
#define LIMIT_SECRET_SIZE (64u * KIB)

/* Plugins. */
#define LIMIT_PLUGIN_ACTIONS 1000u       /* of one plugin: a table gone wrong is refused, not walked */
#define LIMIT_PLUGIN_FIELDS 255u         /* of one table: LEVADA_INPUT_SIZE_MAX holds no more */
#define LIMIT_PLUGIN_DEPTH 8u            /* objects in objects: a table that holds itself ends here */
#define LIMIT_PLUGIN_STRIDE 4096u        /* bytes of one row of a table */
#define LIMIT_DESCRIBE_SIZE (4u * MIB)   /* one plugin's tables as JSON */
#define LIMIT_DESCRIBE_MS 10000          /* loading a plugin and printing its tables */

/* Running. */
#define LIMIT_WORKERS 1024u              /* at once, in one run */
#define LIMIT_ATTEMPTS 1000u             /* of one step */
#define LIMIT_VANISHED 5u                /* re-runs of a step whose workers keep vanishing, per engine */
#define LIMIT_LOG_SIZE (256u * MIB)      /* one attempt's log; more is cut, and says so */
#define LIMIT_PROGRESS_MS 100u           /* one progress frame per attempt in this time */
#define LIMIT_GRACE_MS 10000             /* TERM to KILL, when the step says nothing */

#endif
