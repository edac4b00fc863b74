/* SPDX-License-Identifier: Apache-2.0
 *
 * Nothing that a step says may become markup.
 */
#include "show/html.h"

#include <string.h>

#include "base/json.h"
#include "check.h"

static void
check_text(const char *text, const char *want)
{
    struct buf buf BUF_SCOPED = {0};
    buf_init(&buf, MIB);
    html_text(&buf, text);
    CHECK_STR(buf_str(&buf), want);
}

static void
check_value(const char *json, const char *want)
{
    struct arena arena ARENA_SCOPED = {0};
    struct buf buf BUF_SCOPED = {0};
    struct err err = {0};
    const struct value *value;
    buf_init(&buf, MIB);
    CHECK_FATAL(json_parse(&arena, json, strlen(json), &value, &err) == 0);
    html_value(&buf, value);
    CHECK_STR(buf_str(&buf), want);
}

static void
escapes(void)
{
    check_text("a < b && c > \"d\" 'e'", "a &lt; b &amp;&amp; c &gt; &quot;d&quot; &#39;e&#39;");
    check_text("</pre><script>alert(1)</script>", "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    check_text("\033[31mred\r\n\ttab", "\\x1b[31mred\\x0d\n\ttab");
    check_text("bad \xff utf-8 \xe2\x80\xae turned", "bad \\xff utf-8 \\xe2\\x80\\xae turned");
    check_text("Åse 木 €", "Åse 木 €");
}

static void
paths(void)
{
    struct buf buf BUF_SCOPED = {0};
    buf_init(&buf, MIB);
    html_path(&buf, "a b/\"onload=x\".html?q#f&javascript:");
    CHECK_STR(buf_str(&buf), "a%20b/%22onload%3Dx%22.html%3Fq%23f%26javascript%3A");
}

static void
scalars(void)
{
    check_value("336776", "<code>336776</code>");
    check_value("true", "<code>true</code>");
    check_value("null", "<span class=\"dim\">null</span>");
    check_value("\"<i>\"", "<span class=\"t\">&lt;i&gt;</span>");
    check_value("\"two\\nlines\"", "<pre>two\nlines</pre>");
    check_value("[]", "<span class=\"dim\">empty list</span>");
    check_value("{}", "<span class=\"dim\">empty map</span>");
    check_value("[1,\"a\"]", "<code>1</code>, <span class=\"t\">a</span>");
}

static void
secrets(void)
{
    check_value("{\"$secret\":\"lake<\"}", "<span class=\"secret\">secret lake&lt;</span>");
    check_value("[{\"$secret\":\"a\"}]", "<ul><li><span class=\"secret\">secret a</span></li></ul>");
}

static void
tables(void)
{
    check_value("[{\"name\":\"x\",\"n\":1},{\"n\":2,\"<b>\":null}]",
                "<div class=\"scroll\"><table class=\"data\"><thead><tr><th>name</th><th class=\"n\">n</th>"
                "<th>&lt;b&gt;</th></tr></thead><tbody>"
                "<tr><td><span class=\"t\">x</span></td><td class=\"n\"><code>1</code></td><td></td></tr>"
                "<tr><td></td><td class=\"n\"><code>2</code></td><td><span class=\"dim\">null</span></td></tr>"
                "</tbody></table></div>");
}

static void
deep_values(void)
{
    check_value("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":\"<\"}}}}}}",
                "<table class=\"kv\"><tbody><tr><th>a</th><td><table class=\"kv\"><tbody><tr><th>b</th><td>"
                "<table class=\"kv\"><tbody><tr><th>c</th><td><table class=\"kv\"><tbody><tr><th>d</th><td>"
                "<table class=\"kv\"><tbody><tr><th>e</th><td><code>{&quot;f&quot;:&quot;&lt;&quot;}</code></td></tr>"
                "</tbody></table></td></tr></tbody></table></td></tr></tbody></table></td></tr></tbody></table><"
                "/td></tr>"
                "</tbody></table>");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"text is escaped for elements and quoted attributes alike", escapes},
        {"an address keeps only harmless characters", paths},
        {"scalars keep their value and their type shows", scalars},
        {"a reference to a secret says so and nothing more", secrets},
        {"a list of maps becomes a table with every column", tables},
        {"what is nested too deep is shown as JSON", deep_values},
    };
    return check_main("html", tests, CHECK_COUNT(tests), argc, argv);
}
