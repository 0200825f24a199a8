#include "cmd/model.h"

#include <stdio.h>
#include <stdlib.h>
#include "convert/info.h"
#include "model/arch.h"

void model_die(const struct tf_err *err)
{
    cli_die(cli_status_of(err), "%s", err->msg);
}

void model_print(json_t *value)
{
    struct tf_err err;
    char *line = json_dumps(value, JSON_REAL_PRECISION(6));

    json_decref(value);
    if (!line) {
        tf_no_memory(&err, sizeof(*value));
        model_die(&err);
    }
    puts(line);
    free(line);
}

const char *model_path(char **operands)
{
    if (operands[0])
        cli_usage("\"%s\" is too much; the model is named by -m", operands[0]);
    if (!cli.model)
        cli_usage("no model is named: -m MODEL");
    return cli_model_path(cli.model, CLI_NEED_MODEL);
}

int model_architectures(char **operands)
{
    struct tf_err err;
    json_t *row;
    size_t i;

    if (operands[0])
        cli_usage("\"%s\" is too much", operands[0]);
    for (i = 0; i < tf_arch_count(); i++) {
        row = tf_info_architecture(tf_arch_name(i), &err);
        if (!row)
            model_die(&err);
        model_print(row);
    }
    return CLI_OK;
}

int model_info(char **operands)
{
    struct tf_err err;
    json_t *info = tf_info_model(model_path(operands), &err);

    if (!info)
        model_die(&err);
    model_print(info);
    return CLI_OK;
}
