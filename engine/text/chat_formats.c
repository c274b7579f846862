/* chat_formats.c - the table of chat formats: what the published chat template of each
 * family makes of a conversation, told as strings. Read off the chat_template in the
 * tokenizer_config.json (or chat_template.jinja) of the models named. Recognition takes
 * the first row that fits: particular ones stand before general ones. */
#include "text/chat.h"

#define THINK .channels = CHAT_TAGS, .think_open = "<think>", .think_close = "</think>"

/* ChatML: "<|im_start|>role\ntext<|im_end|>\n" (OpenAI, 2023). Rows differ in what they
 * say when there is no system message, and in thinking. */
#define CHATML                                                                           \
    .system = {"<|im_start|>system\n", "<|im_end|>\n"},                                  \
    .user = {"<|im_start|>user\n", "<|im_end|>\n"},                                      \
    .assistant = {"<|im_start|>assistant\n", "<|im_end|>\n"}, .ends = {"<|im_end|>"}
#define CHATML_SYSTEM(text) "<|im_start|>system\n" text "<|im_end|>\n"

#define LLAMA3                                                                           \
    .bos = "<|begin_of_text|>", .begin = CHAT_BOS,                                       \
    .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},              \
    .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},    \
    .open = "<|start_header_id|>assistant<|end_header_id|>\n\n",                         \
    .trim = CHAT_TRIM_SYSTEM | CHAT_TRIM_USER | CHAT_TRIM_ANSWER,                        \
    .ends = {"<|eot_id|>", "<|eom_id|>"}
#define LLAMA3_SYSTEM  "<|start_header_id|>system<|end_header_id|>\n\n"
#define LLAMA31_SYSTEM LLAMA3_SYSTEM "Cutting Knowledge Date: December 2023\nToday Date: "

#define DEEPSEEK                                                                         \
    .bos = "<｜begin▁of▁sentence｜>", .begin = CHAT_BOS, .system = {"", ""},             \
    .user = {"<｜User｜>", ""}, .ends = {"<｜end▁of▁sentence｜>"}

#define KIMI                                                                             \
    .system = {"<|im_system|>system<|im_middle|>", "<|im_end|>"},                        \
    .user = {"<|im_user|>user<|im_middle|>", "<|im_end|>"},                              \
    .assistant = {"<|im_assistant|>assistant<|im_middle|>", "<|im_end|>"},               \
    .open = "<|im_assistant|>assistant<|im_middle|>", .ends = {"<|im_end|>", "[EOS]"}
#define KIMI_SYSTEM(text) "<|im_system|>system<|im_middle|>" text "<|im_end|>"

#define GRANITE                                                                          \
    .system = {"<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n"},           \
    .user = {"<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>\n"},               \
    .assistant = {"<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>\n"},     \
    .open = "<|start_of_role|>assistant<|end_of_role|>", .ends = {"<|end_of_text|>"}

#define GEMMA4                                                                           \
    .bos = "<bos>", .begin = CHAT_BOS, .system = {"<|turn>system\n", "<turn|>\n"},       \
    .user = {"<|turn>user\n", "<turn|>\n"},                                              \
    .assistant = {"<|turn>model\n", "<turn|>\n"},                                        \
    .trim = CHAT_TRIM_SYSTEM | CHAT_TRIM_USER | CHAT_TRIM_ANSWER, .ends = {"<turn|>"},   \
    .channels = CHAT_TAGS, .think_open = "<|channel>thought\n",                          \
    .think_close = "<channel|>"

#define TULU                                                                             \
    .eos = "<|endoftext|>", .system = {"<|system|>\n", "\n"},                            \
    .user = {"<|user|>\n", "\n"}, .assistant = {"<|assistant|>\n", CHAT_EOS "\n"},       \
    .open = "<|assistant|>\n"

#define MISTRAL .bos = "<s>", .eos = "</s>", .begin = CHAT_BOS, .ends = {"</s>"}

const struct lem_chat_format chat_formats[] = {
    {
        .name = "gpt-oss",
        .models = "gpt-oss 20b and 120b (harmony)",
        .marks = {"<|channel|>", "<|message|>"},
        .begin = "<|start|>system<|message|>You are ChatGPT, a large language model "
                 "trained by OpenAI.\nKnowledge cutoff: 2024-06\nCurrent "
                 "date: " CHAT_DATE_ISO "\n\nReasoning: medium\n\n# Valid channels: "
                 "analysis, commentary, final. Channel must be included for every "
                 "message.<|end|>",
        .system = {"<|start|>developer<|message|># Instructions\n\n", "\n\n<|end|>"},
        .user = {"<|start|>user<|message|>", "<|end|>"},
        .assistant = {"<|start|>assistant<|channel|>final<|message|>", "<|end|>"},
        .open = "<|start|>assistant",
        .ends = {"<|return|>", "<|call|>"},
        .channels = CHAT_HARMONY,
    },
    {
        .name = "llama3.2",
        .models = "Llama 3.2, 3.3",
        .marks = {"<|start_header_id|>", "Cutting Knowledge Date", "strftime_now"},
        LLAMA3,
        .system = {LLAMA31_SYSTEM CHAT_DATE_SHORT "\n\n", "<|eot_id|>"},
        .no_system = LLAMA31_SYSTEM CHAT_DATE_SHORT "\n\n<|eot_id|>",
    },
    {
        .name = "llama3.1",
        .models = "Llama 3.1",
        .marks = {"<|start_header_id|>", "Cutting Knowledge Date"},
        LLAMA3,
        .system = {LLAMA31_SYSTEM "26 Jul 2024\n\n", "<|eot_id|>"},
        .no_system = LLAMA31_SYSTEM "26 Jul 2024\n\n<|eot_id|>",
    },
    {
        .name = "llama3",
        .models = "Llama 3",
        .marks = {"<|start_header_id|>"},
        LLAMA3,
        .system = {LLAMA3_SYSTEM, "<|eot_id|>"},
    },
    {
        .name = "llama2",
        .models = "Llama 2 chat",
        .marks = {"[INST]", "<<SYS>>"},
        .bos = "<s>",
        .eos = "</s>",
        .system = {"<<SYS>>\n", "\n<</SYS>>\n\n"},
        .user = {CHAT_BOS "[INST] ", " [/INST]"},
        .assistant = {" ", " " CHAT_EOS},
        .open = "",
        .place = CHAT_FIRST_USER,
        .trim = CHAT_TRIM_USER | CHAT_TRIM_ANSWER,
        .ends = {"</s>"},
    },
    {
        .name = "mistral-v7",
        .models = "Mistral Large 2411",
        .marks = {"[SYSTEM_PROMPT] "},
        MISTRAL,
        .system = {"[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]"},
        .user = {"[INST] ", "[/INST]"},
        .assistant = {" ", CHAT_EOS},
        .open = "",
    },
    {
        .name = "mistral-v7-tekken",
        .models = "Mistral Small 3",
        .marks = {"[SYSTEM_PROMPT]"},
        MISTRAL,
        .system = {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
        .user = {"[INST]", "[/INST]"},
        .assistant = {"", CHAT_EOS},
        .open = "",
    },
    {
        .name = "mistral-v1",
        .models = "Mixtral 8x7B, Mistral 7B v0.1 and v0.2",
        .marks = {" [INST] "},
        MISTRAL,
        .system = {"", "\n\n"},
        .user = {" [INST] ", " [/INST]"},
        .assistant = {" ", CHAT_EOS},
        .open = "",
        .place = CHAT_FIRST_USER,
    },
    {
        .name = "mistral-v0",
        .models = "the first templates of Mixtral 8x7B and Mistral 7B",
        .marks = {"[INST] ", " [/INST]"},
        MISTRAL,
        .system = {"", "\n\n"},
        .user = {"[INST] ", " [/INST]"},
        .assistant = {"", CHAT_EOS},
        .open = "",
        .place = CHAT_FIRST_USER,
    },
    {
        .name = "mistral-v3",
        .models = "Mixtral 8x22B, Mistral 7B v0.3, Mistral Large 2407",
        .marks = {"[INST] ", "[/INST]"},
        MISTRAL,
        .system = {"", "\n\n"},
        .user = {"[INST] ", "[/INST]"},
        .assistant = {" ", CHAT_EOS},
        .open = "",
        .place = CHAT_LAST_USER,
        .trim = CHAT_TRIM_ANSWER,
    },
    {
        .name = "mistral-v3-tekken",
        .models = "Mistral Nemo 2407",
        .marks = {"[INST]", "[/INST]"},
        MISTRAL,
        .system = {"", "\n\n"},
        .user = {"[INST]", "[/INST]"},
        .assistant = {"", CHAT_EOS},
        .open = "",
        .place = CHAT_LAST_USER,
    },
    {
        .name = "deepseek-r1",
        .models = "DeepSeek-R1 and its distillations",
        .marks = {"<｜Assistant｜><think>\n"},
        DEEPSEEK,
        .assistant = {"<｜Assistant｜>", "<｜end▁of▁sentence｜>"},
        .open = "<｜Assistant｜><think>\n",
        THINK,
        .starts_thinking = true,
    },
    {
        .name = "deepseek-v3.1",
        .models = "DeepSeek-V3.1 and V3.2, without thinking",
        .marks = {"<｜Assistant｜>", "{{'</think>'}}"},
        DEEPSEEK,
        .assistant = {"<｜Assistant｜></think>", "<｜end▁of▁sentence｜>"},
        .open = "<｜Assistant｜></think>",
        THINK,
    },
    {
        .name = "deepseek-v3",
        .models = "DeepSeek-V2.5 and V3",
        .marks = {"<｜User｜>", "<｜Assistant｜>"},
        DEEPSEEK,
        .assistant = {"<｜Assistant｜>", "<｜end▁of▁sentence｜>"},
        .open = "<｜Assistant｜>",
        THINK,
    },
    {
        .name = "deepseek-v2",
        .models = "DeepSeek-V2 and V2-Lite chat",
        .marks = {"'User: ' + message['content'] + '\n\n'", "'Assistant:'"},
        .bos = "<｜begin▁of▁sentence｜>",
        .eos = "<｜end▁of▁sentence｜>",
        .begin = CHAT_BOS,
        .system = {"", "\n\n"},
        .user = {"User: ", "\n\n"},
        .assistant = {"Assistant: ", CHAT_EOS},
        .open = "Assistant:",
        .ends = {"<｜end▁of▁sentence｜>"},
    },
    {
        .name = "granite",
        .models = "Granite 3.1 to 3.3",
        .marks = {"<|start_of_role|>", "Knowledge Cutoff Date: April 2024"},
        GRANITE,
        .no_system = "<|start_of_role|>system<|end_of_role|>Knowledge Cutoff Date: April "
                     "2024.\nToday's Date: " CHAT_DATE_LONG ".\nYou are Granite, "
                     "developed by IBM. You are a helpful AI assistant.<|end_of_text|>\n",
    },
    {
        .name = "granite3.0",
        .models = "Granite 3.0",
        .marks = {"<|start_of_role|>"},
        GRANITE,
    },
    {
        .name = "glm4.7",
        .models = "GLM-4.7 and 4.7-Flash",
        .marks = {"[gMASK]<sop>", "not enable_thinking) else '<think>'"},
        .begin = "[gMASK]<sop>",
        .system = {"<|system|>", ""},
        .user = {"<|user|>", ""},
        .assistant = {"<|assistant|></think>", ""},
        .open = "<|assistant|><think>",
        .trim = CHAT_TRIM_ANSWER,
        .ends = {"<|user|>", "<|observation|>"},
        THINK,
        .starts_thinking = true,
    },
    {
        .name = "glm4.5",
        .models = "GLM-4.5, 4.5-Air and 4.6",
        .marks = {"[gMASK]<sop>", "<think></think>"},
        .begin = "[gMASK]<sop>",
        .system = {"<|system|>\n", ""},
        .user = {"<|user|>\n", ""},
        .assistant = {"<|assistant|>\n<think></think>\n", ""},
        .open = "<|assistant|>",
        .trim = CHAT_TRIM_ANSWER,
        .ends = {"<|user|>", "<|observation|>"},
        THINK,
    },
    {
        .name = "glm4",
        .models = "GLM-4 9B chat",
        .marks = {"[gMASK]<sop>"},
        .begin = "[gMASK]<sop>",
        .system = {"<|system|>\n", ""},
        .user = {"<|user|>\n", ""},
        .assistant = {"<|assistant|>\n", ""},
        .open = "<|assistant|>\n",
        .ends = {"<|user|>", "<|observation|>"},
    },
    {
        .name = "ernie4.5",
        .models = "ERNIE 4.5",
        .marks = {"<|begin_of_sentence|>", "User: ", "Assistant: "},
        .begin = "<|begin_of_sentence|>",
        .system = {"", "\n"},
        .user = {"User: ", "\n"},
        .assistant = {"Assistant: ", "<|end_of_sentence|>"},
        .open = "Assistant: ",
        .ends = {"<|end_of_sentence|>"},
    },
    {
        .name = "bailing2",
        .models = "Ling 2.0",
        .marks = {"<role>", "HUMAN", "<|role_end|>"},
        .absent = "thinking_option = 'on'",
        .system = {"<role>SYSTEM</role>", "\ndetailed thinking off<|role_end|>"},
        .no_system = "<role>SYSTEM</role>detailed thinking off<|role_end|>",
        .user = {"<role>HUMAN</role>", "<|role_end|>"},
        .assistant = {"<role>ASSISTANT</role>", "<|role_end|>"},
        .open = "<role>ASSISTANT</role>",
        .ends = {"<|role_end|>"},
        THINK,
    },
    {
        .name = "bailing",
        .models = "Ling lite and plus",
        .marks = {"<role>", "HUMAN"},
        .absent = "<|role_end|>",
        .system = {"<role>SYSTEM</role>", ""},
        .user = {"<role>HUMAN</role>", ""},
        .assistant = {"<role>ASSISTANT</role>", ""},
        .open = "<role>ASSISTANT</role>",
        .ends = {"<role>"},
    },
    {
        .name = "gemma4",
        .models = "Gemma 4 26B-A4B and 31B, without thinking",
        .marks = {"<|turn>", "'<|channel>thought\n<channel|>'"},
        GEMMA4,
        .open = "<|turn>model\n<|channel>thought\n<channel|>",
    },
    {
        .name = "gemma4-e",
        .models = "Gemma 4 E2B and E4B",
        .marks = {"<|turn>"},
        GEMMA4,
        .open = "<|turn>model\n",
    },
    {
        .name = "gemma",
        .models = "Gemma 1 to 3",
        .marks = {"<start_of_turn>"},
        .bos = "<bos>",
        .begin = CHAT_BOS,
        .system = {"", "\n\n"},
        .user = {"<start_of_turn>user\n", "<end_of_turn>\n"},
        .assistant = {"<start_of_turn>model\n", "<end_of_turn>\n"},
        .open = "<start_of_turn>model\n",
        .place = CHAT_FIRST_USER,
        .trim = CHAT_TRIM_USER | CHAT_TRIM_ANSWER,
        .ends = {"<end_of_turn>"},
    },
    {
        .name = "kimi-k2",
        .models = "Kimi K2 0905",
        .marks = {"<|im_middle|>",
                  "You are Kimi, an AI assistant created by Moonshot AI."},
        .absent = "<think>",
        KIMI,
        .no_system = KIMI_SYSTEM("You are Kimi, an AI assistant created by Moonshot AI."),
    },
    {
        .name = "moonlight",
        .models = "Moonlight 16B-A3B",
        .marks = {"<|im_middle|>",
                  "You are a helpful assistant provided by Moonshot-AI."},
        KIMI,
        .no_system = KIMI_SYSTEM("You are a helpful assistant provided by Moonshot-AI."),
    },
    {
        .name = "kimi-k2-0711",
        .models = "Kimi K2 0711",
        .marks = {"<|im_middle|>", "You are a helpful assistant<|im_end|>"},
        .absent = "<think>",
        KIMI,
        .no_system = KIMI_SYSTEM("You are a helpful assistant"),
    },
    {
        .name = "phi4",
        .models = "Phi-4",
        .marks = {"<|im_start|>", "<|im_sep|>"},
        .system = {"<|im_start|>system<|im_sep|>", "<|im_end|>"},
        .user = {"<|im_start|>user<|im_sep|>", "<|im_end|>"},
        .assistant = {"<|im_start|>assistant<|im_sep|>", "<|im_end|>"},
        .open = "<|im_start|>assistant<|im_sep|>",
        .ends = {"<|im_end|>"},
    },
    {
        .name = "phi4-mini",
        .models = "Phi-4-mini",
        .marks = {"<|end|>", "<|/tool|>"},
        .system = {"<|system|>", "<|end|>"},
        .user = {"<|user|>", "<|end|>"},
        .assistant = {"<|assistant|>", "<|end|>"},
        .open = "<|assistant|>",
        .ends = {"<|end|>"},
    },
    {
        .name = "phi3",
        .models = "Phi-3, Phi-3.5 and Phi-3.5-MoE",
        .marks = {"<|end|>", "<|assistant|>"},
        .system = {"<|system|>\n", "<|end|>\n"},
        .user = {"<|user|>\n", "<|end|>\n"},
        .assistant = {"<|assistant|>\n", "<|end|>\n"},
        .open = "<|assistant|>\n",
        .ends = {"<|end|>"},
    },
    {
        .name = "zephyr",
        .models = "Zephyr, StableLM 2, TinyLlama chat",
        .marks = {"'<|user|>\n' + message['content'] + eos_token"},
        .eos = "</s>",
        .system = {"<|system|>\n", CHAT_EOS "\n"},
        .user = {"<|user|>\n", CHAT_EOS "\n"},
        .assistant = {"<|assistant|>\n", CHAT_EOS "\n"},
        .open = "<|assistant|>\n",
    },
    {
        .name = "olmoe",
        .models = "OLMoE instruct",
        .marks = {"<|user|>\n", "<|assistant|>\n", "bos_token"},
        TULU,
        .bos = "<|endoftext|>",
        .begin = CHAT_BOS,
    },
    {
        .name = "tulu",
        .models = "Tulu 2 and 3, OLMo 2 SFT",
        .marks = {"<|user|>\n", "<|assistant|>\n"},
        TULU,
    },
    {
        .name = "lfm2",
        .models = "LFM2, LFM2-8B-A1B, LFM2.5",
        .marks = {"<|im_start|>", "List of tools: ", "bos_token"},
        .bos = "<|startoftext|>",
        .begin = CHAT_BOS,
        CHATML,
        .open = "<|im_start|>assistant\n",
        THINK,
    },
    {
        .name = "qwen3-thinking",
        .models = "Qwen3 Thinking 2507",
        .marks = {"<|im_start|>assistant\n<think>\n"},
        CHATML,
        .open = "<|im_start|>assistant\n<think>\n",
        THINK,
        .starts_thinking = true,
    },
    {
        .name = "qwen2.5",
        .models = "Qwen2.5",
        .marks = {"<|im_start|>", "You are Qwen, created by Alibaba Cloud."},
        CHATML,
        .no_system = CHATML_SYSTEM(
            "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
        .open = "<|im_start|>assistant\n",
    },
    {
        .name = "qwen2",
        .models = "Qwen2, Qwen2-57B-A14B",
        .marks = {"<|im_start|>", "You are a helpful assistant.<|im_end|>"},
        CHATML,
        .no_system = CHATML_SYSTEM("You are a helpful assistant."),
        .open = "<|im_start|>assistant\n",
    },
    {
        .name = "qwen1.5",
        .models = "Qwen1.5, Qwen1.5-MoE-A2.7B",
        .marks = {"<|im_start|>", "You are a helpful assistant<|im_end|>"},
        CHATML,
        .no_system = CHATML_SYSTEM("You are a helpful assistant"),
        .open = "<|im_start|>assistant\n",
    },
    {
        .name = "qwen3",
        .models = "Qwen3, Qwen3-30B-A3B, 235B-A22B",
        .marks = {"<|im_start|>", "</think>"},
        CHATML,
        .open = "<|im_start|>assistant\n",
        THINK,
    },
    {
        .name = "chatml",
        .models = "ChatML: many, among them SmallThinker and the 2507 Instruct of Qwen3",
        .marks = {"<|im_start|>", "<|im_end|>"},
        CHATML,
        .open = "<|im_start|>assistant\n",
    },
    {
        .name = "plain",
        .models = "no marks at all: the model goes on with what you write",
        .system = {"", "\n"},
        .user = {"", ""},
        .assistant = {"", "\n"},
        .open = "",
    },
};
const size_t chat_n_format = sizeof chat_formats / sizeof *chat_formats;
