/* args_table.c - the commands and their options as data: parser and help read this.
 * A new option is a row and a field of struct args; a new command is a row, a bit,
 * its function in commands.h and its cmd_NAME.c. */
#include "cli/args.h"
#include "cli/commands.h"

const struct args_command args_commands[CMD_COUNT] = {
    [CMD_RUN] =
        {
            .name = "run",
            .usage = "[OPTIONS] [PROMPT...]",
            .summary = "write text that follows a prompt",
            .text =
                "The prompt is the words given, or -p, or -f, or standard input when "
                "that is not a terminal. It is printed first, then what the model "
                "writes, token by token. Ctrl-C stops after the current token, a "
                "second one quits. A policy file bans, forces or biases experts, or "
                "limits "
                "their number: {\"layers\": [{\"layer\": 3, \"experts\": 1, \"ban\": [1, "
                "4], \"force\": [2], \"bias\": {\"5\": 1.5}}, {\"layer\": \"all\", "
                "\"ban\": [7]}]}. A layer is a block number.",
            .examples = "lemnos run Once upon a time\n"
                        "lemnos run --temp 0.6 --seed 7 -n 300 \"The king said\"\n"
                        "lemnos run --show-experts=5 \"Es war einmal\"\n"
                        "lemnos run -m model.gguf -f prompt.txt --routing routing.json\n"
                        "echo \"The old fox\" | lemnos run --greedy -q\n",
            .takes_words = true,
            .fn = cmd_run,
        },
    [CMD_CHAT] =
        {
            .name = "chat",
            .usage = "[OPTIONS]",
            .summary = "talk with a model, turn by turn",
            .text =
                "Every line is a message; one that ends with a backslash goes on in the "
                "next. Lines that begin with a slash are commands: /help lists them. "
                "Ctrl-C stops an answer, Ctrl-D ends the conversation. Messages are "
                "written down as the model's chat template says, where that is one of "
                "the known ones (--chat-format list). Where standard input is no "
                "terminal, its lines are answered one after the other.",
            .examples = "lemnos chat -m model.gguf\n"
                        "lemnos chat -m model.gguf -s \"You answer in one sentence.\"\n"
                        "printf 'What is ochre?\\n' | lemnos chat -m model.gguf -q\n"
                        "lemnos chat --chat-format plain\n",
            .fn = cmd_chat,
        },
    [CMD_EVAL] =
        {
            .name = "eval",
            .usage = "[OPTIONS] --tokens IDS",
            .summary = "run token ids through the model; logits and routing to files",
            .text =
                "Nothing is sampled and no BOS is added: the ids are run as given. "
                "One JSON object on standard output tells the model, the device and "
                "the likeliest next id. A --routing file holds the layers that route, "
                "and for each token the chosen experts, best first, and their final "
                "mixing weights; for a dense model the list of layers is empty.",
            .examples = "lemnos eval -m model.gguf --tokens 1,2,3\n"
                        "lemnos eval -m model.gguf --tokens @ids.txt --logits out.f32\n"
                        "lemnos eval --tokens 7,8,9 --routing routing.json --greedy 16\n"
                        "lemnos eval --tokens @ids.txt --steps --caps minimal\n",
            .fn = cmd_eval,
        },
    [CMD_TOKENIZE] =
        {
            .name = "tokenize",
            .usage = "[OPTIONS] [TEXT...]",
            .summary = "text to token ids, or back",
            .text =
                "Prints the ids of a text on one line. Without TEXT (words are joined "
                "by one space) and -f, standard input is read, every byte of it, a "
                "last newline included. With --decode, each line of ids becomes a "
                "text again. Needs no GPU.",
            .examples = "lemnos tokenize \"Once upon a time\"\n"
                        "lemnos tokenize --bos --special -f chat.txt\n"
                        "lemnos tokenize --separator '\\n---\\n' < texts.txt\n"
                        "lemnos tokenize --decode 12 7 99\n"
                        "lemnos tokenize -- \"-this text starts with a dash\"\n",
            .takes_words = true,
            .fn = cmd_tokenize,
        },
    [CMD_INFO] =
        {
            .name = "info",
            .usage = "[OPTIONS]",
            .summary = "what is in a model file",
            .text =
                "Sizes, experts, weight types, tokenizer and licence. Needs no GPU, and "
                "shows models that cannot run here as well. \"Active\" weights are "
                "those that take part in one token.",
            .examples = "lemnos info -m model.gguf\n"
                        "lemnos info -m model-00001-of-00003.gguf --tensors\n"
                        "lemnos info --json\n",
            .fn = cmd_info,
        },
    [CMD_DEVICES] =
        {
            .name = "devices",
            .usage = "[OPTIONS]",
            .summary = "the Vulkan devices and what they can do",
            .text =
                "Every device with its driver, memory and the capabilities that would be "
                "used; those it lacks are named, and are optional. With --caps what is "
                "left of them under that profile. With -v also which kernels it takes: "
                "tried when it is used for the first time.",
            .examples = "lemnos devices\nlemnos devices --json\n"
                        "lemnos devices --caps minimal\n",
            .fn = cmd_devices,
        },
    [CMD_PERPLEXITY] =
        {
            .name = "perplexity",
            .usage = "[OPTIONS] -f FILE",
            .summary = "how well a model predicts a text",
            .text =
                "The text is cut into windows of -c tokens that do not overlap. Where "
                "the "
                "file wants a BOS, each window starts with one (it counts as one of the "
                "-c). Every token but a window's first is scored. Perplexity is exp of "
                "the mean negative log-likelihood; its standard error is the "
                "perplexity times the standard error of that mean.",
            .examples = "lemnos perplexity -m model.gguf -f text.txt\n"
                        "lemnos perplexity -f text.txt -c 256 --json\n",
            .fn = cmd_perplexity,
        },
    [CMD_BENCH] =
        {
            .name = "bench",
            .usage = "[OPTIONS]",
            .summary = "tokens per second, for prompts and for generation",
            .text =
                "One round to warm up, then -r rounds of all that is asked for, every "
                "other one backwards: median, lowest and highest. The tokens are "
                "pseudo-random, the same every time; \"pp\" appends -p of them at once "
                "to "
                "an empty context, \"tg\" appends -n one by one. A --json result is "
                "what --against takes. Exit code 1 where a check fails. "
                "--synthetic SHAPE measures a model of a known shape with random "
                "weights: "
                "granite-1b, olmoe-7b or tiny; it is written once, into the folder for "
                "caches.",
            .examples =
                "lemnos bench\n"
                "lemnos bench -m model.gguf -p 1,8,128,512 -n 64 -r 3 --json\n"
                "lemnos bench -p 0 -n 128 --tap\n"
                "lemnos bench --synthetic granite-1b --type q4_0 --stages --limit\n"
                "lemnos bench --depth 4096 --against before.json --tolerance 5\n",
            .fn = cmd_bench,
        },
    [CMD_TRACE] =
        {
            .name = "trace",
            .usage = "[OPTIONS] FILE [OTHER]",
            .summary = "what is in a recording made by run --trace",
            .text =
                "A summary: the model, how long and how sure the text was, what a "
                "token's "
                "time went to and the memory, as far as they were recorded, and for each "
                "layer how evenly the experts were used. --json prints the summary with "
                "all tokens, --csv one line per token and layer. With two recordings, "
                "tells where their texts part, how far the routing of the common "
                "tokens differs, and their times and memory side by side. Needs no model "
                "and no GPU.",
            .examples = "lemnos trace tale.lemtrace\n"
                        "lemnos trace tale.lemtrace --csv > tale.csv\n"
                        "lemnos trace a.lemtrace b.lemtrace\n",
            .takes_words = true,
            .fn = cmd_trace,
        },
    [CMD_COMPARE] =
        {
            .name = "compare",
            .usage = "[OPTIONS] -p PROMPT --policy A.json [--policy B.json]",
            .summary = "the same prompt under two routing policies",
            .text =
                "Writes the text that follows the prompt under policy A and under B, "
                "with "
                "the same seed; without a second file, B is the model as it is. Tells "
                "where the texts part, how well each side predicts each text "
                "(perplexity), and, running the first text under both, how far the "
                "predictions differ at each token: KL divergence of B from A, in nats. "
                "lemnos run --help tells what a policy file is.",
            .examples = "lemnos compare -p \"Once upon a time\" --policy calm.json\n"
                        "lemnos compare -p Once --greedy -n 40 --policy a.json --policy "
                        "b.json --json\n",
            .takes_words = true,
            .fn = cmd_compare,
        },
    [CMD_STATS] =
        {
            .name = "stats",
            .usage = "[OPTIONS] -f FILE [FILE...]",
            .summary = "which experts given texts use: figures, tables, pictures",
            .text =
                "Runs the texts through the model, one group per file, in windows of -c "
                "tokens, and counts: load, entropy and imbalance of each layer, experts "
                "never used, how often tokens repeat the experts of the one before, "
                "which "
                "experts go together, how the groups differ (Jensen-Shannon divergence), "
                "the tokens each expert takes most, and how often an LRU cache of N "
                "experts per layer would have held the one asked for. Experts are asked "
                "for one after the other, best first; the cache starts empty and lives "
                "through all texts.",
            .examples = "lemnos stats -f tales.txt\n"
                        "lemnos stats -m model.gguf -f code.txt prose.txt --figures out\n"
                        "lemnos stats -f a.txt b.txt --csv out --json > stats.json\n",
            .takes_words = true,
            .fn = cmd_stats,
        },
    [CMD_QUANTIZE] =
        {
            .name = "quantize",
            .usage = "[OPTIONS] --type TYPE IN OUT",
            .summary = "write a model again with smaller weights",
            .text =
                "IN is a model with F32, F16, BF16 or other weights that can be decoded, "
                "of a split one the first file; OUT appears when it is complete. TYPE is "
                "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL, "
                "IQ4_XS or "
                "MXFP4. "
                "Vectors and routers stay F32. -v lists every tensor with its error: the "
                "root mean square over the range of its values. Needs no GPU.",
            .examples =
                "lemnos quantize model-f16.gguf model-q8_0.gguf --type Q8_0\n"
                "lemnos quantize in.gguf out.gguf --type Q6_K --experts Q4_K -v\n",
            .takes_words = true,
            .fn = cmd_quantize,
        },
    [CMD_PLAN] =
        {
            .name = "plan",
            .usage = "[OPTIONS]",
            .summary = "the dispatches that a model's steps are made of",
            .text =
                "Every dispatch of one token's submission, or with --prompt of a "
                "batch's: "
                "its kernel, workgroups, sizes (matrices, rows, columns) and estimates "
                "of "
                "the weights it reads, of all bytes it moves and of its arithmetic, at "
                "the end of the context and with tokens spread evenly over the experts. "
                "\"|\" marks those that wait for what is before them. Nothing is run, "
                "but "
                "the weights go to the device: the plan depends on both.",
            .examples = "lemnos plan -m model.gguf\n"
                        "lemnos plan --prompt --batch 512\n"
                        "lemnos plan --json > plan.json\n",
            .fn = cmd_plan,
        },
};

#define BIT(c) (1u << CMD_##c)
enum {
    ALL = (1u << CMD_COUNT) - 1u,
    WITH_MODEL = ALL & ~(BIT(DEVICES) | BIT(TRACE) | BIT(QUANTIZE)),
    WITH_GPU = BIT(RUN) | BIT(CHAT) | BIT(EVAL) | BIT(PERPLEXITY) | BIT(BENCH) |
               BIT(COMPARE) | BIT(STATS) | BIT(PLAN),
    WITH_POLICY = WITH_GPU & ~(BIT(COMPARE) | BIT(PLAN)),
    WRITES = BIT(RUN) | BIT(COMPARE),
    SAMPLES = WRITES | BIT(CHAT),
    WITH_JSON = BIT(INFO) | BIT(DEVICES) | BIT(PERPLEXITY) | BIT(BENCH) | BIT(TRACE) |
                BIT(COMPARE) | BIT(STATS) | BIT(PLAN),
};

#define AT(field) offsetof(struct args, field)
#define MOST      2147483647.0

/* commands, letter, name, aliases, value, kind, field, min, max, default, env, help */
const struct args_option args_options[] = {
    {WRITES, 'p', "prompt", NULL, "TEXT", ARGS_TEXT, AT(prompt), 0, 0, NULL, NULL,
     "the prompt"},
    {WRITES | BIT(TOKENIZE) | BIT(PERPLEXITY) | BIT(STATS), 'f', "file", NULL, "FILE",
     ARGS_TEXT, AT(file), 0, 0, NULL, NULL,
     "read the text from FILE; - is standard input"},
    {WRITES, 'e', "escape", NULL, NULL, ARGS_FLAG, AT(escape), 0, 0, NULL, NULL,
     "understand \\n, \\t, \\\\, \\\" and \\xHH in the prompt"},
    {WRITES, 'n', "predict", "n-predict", "N", ARGS_I64, AT(n_predict), -1, MOST, "128",
     NULL, "most tokens to write; -1: until the model ends or the context is full"},
    {BIT(CHAT), 'n', "predict", "n-predict", "N", ARGS_I64, AT(n_predict), -1, MOST, "-1",
     NULL, "most tokens of an answer; -1: until it ends or the context is full"},
    {BIT(CHAT), 's', "system", "system-prompt", "TEXT", ARGS_TEXT, AT(system), 0, 0, NULL,
     NULL, "what the model is told before the conversation"},
    {BIT(CHAT), 0, "chat-format", "chat-template", "NAME", ARGS_TEXT, AT(chat_format), 0,
     0, NULL, NULL,
     "how messages are written down, in the place of the file's template; list: what "
     "there is"},
    {BIT(CHAT), 0, "seed", NULL, "N", ARGS_I64, AT(seed), -1, 9223372036854774784.0, "-1",
     NULL, "same seed, same answers; -1: a new one each time (shown with -v)"},
    {SAMPLES, 'c', "ctx-size", "context ctx", "N", ARGS_U32, AT(n_ctx), 0, MOST, "0",
     NULL, "tokens the context holds; 0: the model's own, at most 4096"},
    {BIT(EVAL), 'c', "ctx-size", "context ctx", "N", ARGS_U32, AT(n_ctx), 0, MOST, "0",
     NULL, "tokens the context holds; 0: as many as are run"},
    {BIT(PERPLEXITY) | BIT(STATS), 'c', "ctx-size", "context ctx", "N", ARGS_U32,
     AT(n_ctx), 0, MOST, "0", NULL,
     "tokens in a window; 0: the model's own context, at most 512"},
    {WITH_GPU, 'b', "batch-size", "batch", "N", ARGS_U32, AT(n_batch), 0, 4096, "0", NULL,
     "most tokens in one submission; 0: the engine's choice"},
    {SAMPLES, 0, "temp", "temperature", "T", ARGS_F32, AT(temperature), 0, 100, "0.8",
     NULL, "temperature; 0 always takes the likeliest token"},
    {SAMPLES, 0, "top-k", NULL, "N", ARGS_U32, AT(top_k), 0, MOST, "40", NULL,
     "draw among the N likeliest; 0: all"},
    {SAMPLES, 0, "top-p", NULL, "P", ARGS_F32, AT(top_p), 0, 1, "0.95", NULL,
     "draw among the likeliest that together have probability P; 0 or 1: all"},
    {SAMPLES, 0, "min-p", NULL, "P", ARGS_F32, AT(min_p), 0, 1, "0.05", NULL,
     "leave out what has less than P times the best one's probability"},
    {SAMPLES, 0, "repeat-penalty", NULL, "X", ARGS_F32, AT(repeat_penalty), 0, 100, "1.0",
     NULL, "above 1 makes tokens seen of late less likely; 0 or 1: off"},
    {SAMPLES, 0, "repeat-last-n", NULL, "N", ARGS_U32, AT(repeat_last_n), 1, MOST, "64",
     NULL, "how far the repeat penalty looks back"},
    {WRITES, 's', "seed", NULL, "N", ARGS_I64, AT(seed), -1, 9223372036854774784.0, "-1",
     NULL, "same seed, same text; -1: a new one each time (shown with -v)"},
    {SAMPLES, 0, "greedy", NULL, NULL, ARGS_FLAG, AT(greedy), 0, 0, NULL, NULL,
     "always take the likeliest token, as --temp 0"},
    {WRITES, 0, "ignore-eos", NULL, NULL, ARGS_FLAG, AT(ignore_eos), 0, 0, NULL, NULL,
     "write on where the model would end"},
    {BIT(RUN), 0, "no-echo", "no-display-prompt", NULL, ARGS_FLAG, AT(no_echo), 0, 0,
     NULL, NULL, "do not print the prompt"},
    {BIT(RUN) | BIT(CHAT), 0, "show-experts", NULL, "[=LAYER]", ARGS_LAYER,
     AT(show_layer), 0, MOST, NULL, NULL,
     "colour each token by its first expert at block LAYER (the last that routes), "
     "with a legend; [3]word markers where there are no colours"},
    {BIT(RUN) | BIT(CHAT), 0, "color", "colour", "WHEN", ARGS_WHEN, AT(color), 0, 0,
     "auto", NULL, "auto, always or never; auto: on a terminal without NO_COLOR"},
    {BIT(EVAL), 0, "tokens", NULL, "IDS", ARGS_TEXT, AT(tokens), 0, 0, NULL, NULL,
     "ids such as 1,2,3, or @FILE with ids in it"},
    {BIT(EVAL), 0, "logits", NULL, "FILE", ARGS_TEXT, AT(logits), 0, 0, NULL, NULL,
     "write the logits of all positions: little-endian f32 [n_token][n_vocab]"},
    {BIT(RUN) | BIT(EVAL), 0, "routing", NULL, "FILE", ARGS_TEXT, AT(routing), 0, 0, NULL,
     NULL, "write expert ids and weights of all tokens and layers as JSON"},
    {BIT(RUN), 0, "trace", NULL, "FILE", ARGS_TEXT, AT(trace), 0, 0, NULL, NULL,
     "record tokens, probabilities, experts and times in a .lemtrace file"},
    {BIT(RUN), 0, "stages", NULL, NULL, ARGS_FLAG, AT(stages), 0, 0, NULL, NULL,
     "with --trace: also what the time of each token went to, which takes time itself"},
    {BIT(COMPARE), 0, "policy", NULL, "FILE", ARGS_FILES, AT(policy), 0, 0, NULL, NULL,
     "routing policy A (JSON), and given again B; without B the model as it is"},
    {WITH_POLICY, 0, "policy", NULL, "FILE", ARGS_FILES, AT(policy), 0, 0, NULL, NULL,
     "a routing policy (JSON); given twice, the second after the first"},
    {WITH_POLICY, 0, "ban", NULL, "L:E,L:E", ARGS_RULES, AT(ban), 0, 0, NULL, NULL,
     "never choose expert E at block L; all:E at every block"},
    {WITH_POLICY, 0, "force", NULL, "L:E,L:E", ARGS_RULES, AT(force), 0, 0, NULL, NULL,
     "always choose expert E at block L"},
    {WITH_POLICY, 0, "bias", NULL, "L:E=B,L:E=B", ARGS_BIASES, AT(bias), 0, 0, NULL, NULL,
     "add B to the score by which expert E is chosen at block L, such as 3:5=+1.5"},
    {WITH_POLICY, 0, "experts", NULL, "K", ARGS_U32, AT(n_experts), 1, 65535, NULL, NULL,
     "choose at most K experts for a token"},
    {BIT(RUN), 0, "save-policy", NULL, "FILE", ARGS_TEXT, AT(save_policy), 0, 0, NULL,
     NULL, "write the routing policy in force, for --policy"},
    {BIT(STATS), 0, "csv", NULL, "DIR", ARGS_TEXT, AT(csv_dir), 0, 0, NULL, NULL,
     "write all numbers as tables into folder DIR"},
    {BIT(STATS), 0, "figures", NULL, "DIR", ARGS_TEXT, AT(figures), 0, 0, NULL, NULL,
     "write four SVG pictures into folder DIR"},
    {BIT(TRACE), 0, "csv", NULL, NULL, ARGS_FLAG, AT(csv), 0, 0, NULL, NULL,
     "print a line per token and layer, values between commas"},
    {BIT(EVAL), 0, "greedy", NULL, "N", ARGS_U32, AT(n_greedy), 0, MOST, "0", NULL,
     "also the N ids that follow when always the likeliest is taken"},
    {BIT(EVAL), 0, "steps", NULL, NULL, ARGS_FLAG, AT(steps), 0, 0, NULL, NULL,
     "append the ids one at a time"},
    {BIT(TOKENIZE), 0, "decode", NULL, NULL, ARGS_FLAG, AT(decode), 0, 0, NULL, NULL,
     "ids to text"},
    {BIT(TOKENIZE), 0, "separator", NULL, "S", ARGS_TEXT, AT(separator), 0, 0, NULL, NULL,
     "the input is several texts with S between them; with --decode, what to print "
     "between texts. \\n, \\t and \\\\ are understood"},
    {BIT(TOKENIZE), 0, "bos", NULL, NULL, ARGS_FLAG, AT(bos), 0, 0, NULL, NULL,
     "put BOS first where the file wants one"},
    {BIT(TOKENIZE), 0, "special", NULL, NULL, ARGS_FLAG, AT(special), 0, 0, NULL, NULL,
     "recognise special tokens in the text; with --decode, print them"},
    {BIT(RUN), 0, "special", NULL, NULL, ARGS_FLAG, AT(special), 0, 0, NULL, NULL,
     "print special tokens too"},
    {BIT(INFO), 0, "tensors", NULL, NULL, ARGS_FLAG, AT(tensors), 0, 0, NULL, NULL,
     "list all tensors"},
    {BIT(BENCH), 'p', "n-prompt", NULL, "N,N", ARGS_LIST, AT(n_prompt), 0, 1048576, "128",
     NULL, "tokens of the prompt, one number or several; 0: skip"},
    {BIT(BENCH), 'n', "n-gen", NULL, "N", ARGS_U32, AT(n_generate), 0, 1048576, "32",
     NULL, "tokens to generate; 0: skip"},
    {BIT(BENCH), 'r', "repetitions", NULL, "N", ARGS_U32, AT(repetitions), 1, 10000, "5",
     NULL, "measured rounds"},
    {BIT(BENCH), 0, "depth", NULL, "N", ARGS_U32, AT(depth), 0, 1048576, "0", NULL,
     "also measure generation after N tokens, against generation from the start"},
    {BIT(BENCH), 0, "tap", NULL, NULL, ARGS_FLAG, AT(tap), 0, 0, NULL, NULL,
     "also measure what recording the routing costs"},
    {BIT(BENCH), 0, "stages", NULL, NULL, ARGS_FLAG, AT(stages), 0, 0, NULL, NULL,
     "also a table of the device's time by stage, from runs of their own"},
    {BIT(BENCH), 0, "limit", NULL, NULL, ARGS_FLAG, AT(limit), 0, 0, NULL, NULL,
     "also the weights read per second, against the best single kernel of their type"},
    {BIT(BENCH), 0, "check-batch", NULL, NULL, ARGS_FLAG, AT(check_batch), 0, 0, NULL,
     NULL, "fail unless the time per token falls with longer prompts (10 % slack)"},
    {BIT(BENCH), 0, "against", NULL, "FILE", ARGS_TEXT, AT(against), 0, 0, NULL, NULL,
     "compare with the --json of an earlier run; fail where this one is slower"},
    {BIT(BENCH), 0, "tolerance", NULL, "PERCENT", ARGS_F32, AT(tolerance), 0, 100, "10",
     NULL, "how much slower --against lets pass"},
    {BIT(BENCH), 0, "synthetic", NULL, "SHAPE", ARGS_TEXT, AT(synthetic), 0, 0, NULL,
     NULL, "measure a model with random weights in the shape of a real one"},
    {BIT(BENCH), 0, "type", NULL, "TYPE", ARGS_TEXT, AT(type), 0, 0, "q4_0", NULL,
     "type of its weights"},
    {BIT(PLAN), 'c', "ctx-size", "context ctx", "N", ARGS_U32, AT(n_ctx), 0, MOST, "0",
     NULL, "tokens the context holds; 0: the model's own, at most 4096"},
    {BIT(PLAN), 0, "prompt", NULL, NULL, ARGS_FLAG, AT(plan_prompt), 0, 0, NULL, NULL,
     "the plan of a batch of -b tokens"},
    {BIT(QUANTIZE), 0, "type", NULL, "TYPE", ARGS_TEXT, AT(type), 0, 0, NULL, NULL,
     "type of the weights"},
    {BIT(QUANTIZE), 0, "experts", NULL, "TYPE", ARGS_TEXT, AT(experts_type), 0, 0, NULL,
     NULL, "type of the experts' weights; default: that of --type"},
    {BIT(QUANTIZE), 't', "threads", NULL, "N", ARGS_U32, AT(n_thread), 0, 1024, "0", NULL,
     "threads; 0: one per processor"},
    {WITH_JSON, 0, "json", NULL, NULL, ARGS_FLAG, AT(json), 0, 0, NULL, NULL,
     "print one JSON object"},

    {WITH_MODEL, 'm', "model", NULL, "FILE", ARGS_TEXT, AT(model), 0, 0, NULL,
     "LEMNOS_MODEL",
     "GGUF file, of a split one the first; default: the model that ships"},
    {WITH_GPU, 'd', "device", NULL, "WHICH", ARGS_TEXT, AT(device), 0, 0, NULL,
     "LEMNOS_DEVICE",
     "number or part of the name, see lemnos devices; default: the best"},
    {WITH_GPU, 0, "memory", NULL, "SIZE", ARGS_SIZE, AT(memory), 0, 0, NULL, NULL,
     "use at most so much device memory, such as 800M or 6G"},
    {WITH_GPU, 0, "exact", NULL, NULL, ARGS_FLAG, AT(exact), 0, 0, NULL, NULL,
     "32-bit floats wherever there is a choice, whatever else is asked for"},
    {WITH_GPU, 0, "activations", NULL, "auto|f32|int", ARGS_CHOICE, AT(activations), 0, 0,
     "auto", NULL,
     "what weights are multiplied with; int: integers, of 16 bits on CPU devices (auto), "
     "on GPUs with int_dot bytes: faster and less exact"},
    {WITH_GPU, 0, "cache-type", NULL, "f16|f32|q8_0", ARGS_CHOICE, AT(cache_type), 0, 0,
     "f16", NULL,
     "how keys and values are kept: f32 exactly, q8_0 in half the memory of f16"},
    {WITH_GPU, 0, "sampling", NULL, "auto|host|device", ARGS_CHOICE, AT(sampling), 0, 0,
     "auto", NULL,
     "where the best logits are picked: on the device all of them stay there; auto: if "
     "it has memory of its own"},
    {WITH_GPU | BIT(DEVICES), 0, "kernels", NULL, "auto|rule|registers|tiles",
     ARGS_CHOICE, AT(kernels), 0, 0, "auto", "LEMNOS_KERNELS",
     "how prompts are multiplied: auto: as was fastest at a GPU's first use; rule: "
     "as its type suggests"},
    {WITH_GPU | BIT(DEVICES), 0, "caps", NULL, "PROFILE", ARGS_CAPS, AT(caps), 0, 0, NULL,
     "LEMNOS_CAPS",
     "pretend that the device can do no more than PROFILE says: minimal or unmapped"},
    {WITH_GPU, 0, "validation", NULL, NULL, ARGS_FLAG, AT(validation), 0, 0, NULL, NULL,
     "check every Vulkan call with the Khronos validation layer"},
    {ALL, 'v', "verbose", NULL, NULL, ARGS_COUNT, AT(verbose), 0, 0, NULL, NULL,
     "say more on stderr; twice: everything"},
    {ALL, 'q', "quiet", NULL, NULL, ARGS_FLAG, AT(quiet), 0, 0, NULL, NULL,
     "say nothing on stderr but errors"},
    {ALL, 'h', "help", NULL, NULL, ARGS_HELP, 0, 0, 0, NULL, NULL, "this text"},
    {ALL, 0, "version", NULL, NULL, ARGS_VERSION, 0, 0, 0, NULL, NULL,
     "print the version"},
};
const size_t args_n_option = sizeof args_options / sizeof *args_options;
