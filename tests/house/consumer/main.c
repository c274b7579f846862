/* main.c - somebody else's program: says the version of Lemnos and a model's layers. */
#include <lemnos/lemnos.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const struct lem_model_params params = {.path = argc > 1 ? argv[1] : ""};
    struct lem_model *model;
    struct lem_model_info info;
    if (lem_model_open(&params, &model) != LEM_OK)
        return 1;
    lem_model_get_info(model, &info);
    printf("lemnos %s, %u layers\n", lem_version(), info.n_layer);
    lem_model_close(&model);
    return 0;
}
