#include "cmd/cli.h"

#include <stdlib.h>
#include <strings.h>

size_t cli_size(const char *option, const char *s)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {
        { "", 1 },          { "KB", 1e3 },   { "MB", 1e6 },
        { "GB", 1e9 },      { "KiB", 1024 }, { "MiB", 1024 * 1024 },
        { "GiB", 1 << 30 },
    };
    char *end;
    double n = strtod(s, &end);
    size_t i;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end != s && !strcasecmp(end, units[i].unit)) {
            n *= units[i].bytes;
            if (n >= 1 && n < 1e18)
                return (size_t)n;
        }
    cli_usage("%s: \"%s\" is no size like 5GB or 200MB", option, s);
}
