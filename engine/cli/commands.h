/* commands.h - one function per command; each returns the program's exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

struct app;

int cmd_run(struct app *app);
int cmd_chat(struct app *app);
int cmd_eval(struct app *app);
int cmd_tokenize(struct app *app);
int cmd_info(struct app *app);
int cmd_devices(struct app *app);
int cmd_perplexity(struct app *app);
int cmd_bench(struct app *app);
int cmd_trace(struct app *app);
int cmd_compare(struct app *app);
int cmd_stats(struct app *app);
int cmd_quantize(struct app *app);
int cmd_plan(struct app *app);

#endif
