/* chat_cases.c - what the published chat templates say, by hand: of each a few words that
 * stand in it, and what it makes of two conversations (support/chat_cases.h). "…" stands
 * for what is left out. The template of mistral-v0 takes no system message: that it goes
 * before the first message is our choice. */
#include "support/chat_cases.h"

const struct chat_case chat_cases[] = {
    /* openai/gpt-oss-20b */
    {"gpt-oss",
     "{{- \"<|start|>system<|message|>\" }} … "
     "\"<|start|>assistant<|channel|>final<|message|>\" + message.content + \"<|end|>\"",
     "<|start|>system<|message|>You are ChatGPT, a large language model trained by "
     "OpenAI.\nKnowledge cutoff: 2024-06\nCurrent date: 2025-03-09\n\nReasoning: "
     "medium\n\n# Valid channels: analysis, commentary, final. Channel must be included "
     "for every message.<|end|><|start|>developer<|message|># Instructions\n\nBe "
     "brief.\n\n<|end|><|start|>user<|message|>Hello<|end|><|start|>assistant<|channel|>"
     "final<|message|>Hi there <|end|><|start|>user<|message|> Who? "
     "<|end|><|start|>assistant",
     "<|start|>system<|message|>You are ChatGPT, a large language model trained by "
     "OpenAI.\nKnowledge cutoff: 2024-06\nCurrent date: 2025-03-09\n\nReasoning: "
     "medium\n\n# Valid channels: analysis, commentary, final. Channel must be included "
     "for every message.<|end|><|start|>user<|message|>Hello<|end|><|start|>assistant"},
    /* meta-llama/Llama-3.2-3B-Instruct */
    {"llama3.2",
     "{%- set date_string = strftime_now(\"%d %b %Y\") %} … "
     "\"<|start_header_id|>system<|end_header_id|>\\n\\n\" … \"Cutting Knowledge Date: "
     "December 2023\\n\"",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge "
     "Date: December 2023\nToday Date: 09 Mar 2025\n\nBe "
     "brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_"
     "header_id|>assistant<|end_header_id|>\n\nHi "
     "there<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|><|start_"
     "header_id|>assistant<|end_header_id|>\n\n",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge "
     "Date: December 2023\nToday Date: 09 Mar "
     "2025\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|"
     "start_header_id|>assistant<|end_header_id|>\n\n"},
    /* meta-llama/Llama-3.1-8B-Instruct */
    {"llama3.1",
     "{%- set date_string = \"26 Jul 2024\" %} … "
     "\"<|start_header_id|>system<|end_header_id|>\\n\\n\" … \"Cutting Knowledge Date: "
     "December 2023\\n\"",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge "
     "Date: December 2023\nToday Date: 26 Jul 2024\n\nBe "
     "brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_"
     "header_id|>assistant<|end_header_id|>\n\nHi "
     "there<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|><|start_"
     "header_id|>assistant<|end_header_id|>\n\n",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge "
     "Date: December 2023\nToday Date: 26 Jul "
     "2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|"
     "start_header_id|>assistant<|end_header_id|>\n\n"},
    /* meta-llama/Meta-Llama-3-8B-Instruct */
    {"llama3",
     "{% set content = '<|start_header_id|>' + message['role'] + "
     "'<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' %}",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe "
     "brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_"
     "header_id|>assistant<|end_header_id|>\n\nHi "
     "there<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|><|start_"
     "header_id|>assistant<|end_header_id|>\n\n",
     "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|"
     "start_header_id|>assistant<|end_header_id|>\n\n"},
    /* meta-llama/Llama-2-7b-chat-hf */
    {"llama2",
     "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + "
     "message['content'] %} … bos_token + '[INST] ' + content.strip() + ' [/INST]' ",
     "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST] Hi there </s><s>[INST] "
     "Who? [/INST]",
     "<s>[INST] Hello [/INST]"},
    /* mistralai/Mistral-Large-Instruct-2411 */
    {"mistral-v7",
     "{{ '[INST] ' + message['content'] + '[/INST]' }} … '[SYSTEM_PROMPT] ' + "
     "message['content'] + '[/SYSTEM_PROMPT]' ",
     "<s>[SYSTEM_PROMPT] Be brief.[/SYSTEM_PROMPT][INST] Hello[/INST] Hi there "
     "</s>[INST]  Who? [/INST]",
     "<s>[INST] Hello[/INST]"},
    /* mistralai/Mistral-Small-3.1-24B-Instruct-2503 */
    {"mistral-v7-tekken",
     "{{- '[SYSTEM_PROMPT]' + system_message + '[/SYSTEM_PROMPT]' }} … '[INST]' + "
     "message['content'] + '[/INST]' ",
     "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hello[/INST]Hi there </s>[INST] "
     "Who? [/INST]",
     "<s>[INST]Hello[/INST]"},
    /* mistralai/Mixtral-8x7B-Instruct-v0.1 */
    {"mistral-v1",
     "{{- ' [INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}",
     "<s> [INST] Be brief.\n\nHello [/INST] Hi there </s> [INST]  Who?  [/INST]",
     "<s> [INST] Hello [/INST]"},
    /* mistralai/Mistral-7B-Instruct-v0.2 (first revision) */
    {"mistral-v0", "{{ '[INST] ' + message['content'] + ' [/INST]' }}",
     "<s>[INST] Be brief.\n\nHello [/INST]Hi there </s>[INST]  Who?  [/INST]",
     "<s>[INST] Hello [/INST]"},
    /* mistralai/Mixtral-8x22B-Instruct-v0.1 */
    {"mistral-v3",
     "{{- \"[AVAILABLE_TOOLS] [\" }} … \"[INST] \" + system_message + \"\\n\\n\" + "
     "message[\"content\"] + \"[/INST]\" ",
     "<s>[INST] Hello[/INST] Hi there</s>[INST] Be brief.\n\n Who? [/INST]",
     "<s>[INST] Hello[/INST]"},
    /* mistralai/Mistral-Nemo-Instruct-2407 */
    {"mistral-v3-tekken",
     "{{- \"[AVAILABLE_TOOLS][\" }} … \"[INST]\" + system_message + \"\\n\\n\" + "
     "message[\"content\"] + \"[/INST]\" ",
     "<s>[INST]Hello[/INST]Hi there </s>[INST]Be brief.\n\n Who? [/INST]",
     "<s>[INST]Hello[/INST]"},
    /* deepseek-ai/DeepSeek-R1-Distill-Qwen-32B */
    {"deepseek-r1",
     "{% if '</think>' in content %} … {{'<｜User｜>' + message['content']}} … "
     "{{'<｜Assistant｜><think>\\n'}}",
     "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hello<｜Assistant｜>Hi there "
     "<｜end▁of▁sentence｜><｜User｜> Who? <｜Assistant｜><think>\n",
     "<｜begin▁of▁sentence｜><｜User｜>Hello<｜Assistant｜><think>\n"},
    /* deepseek-ai/DeepSeek-V3.1 */
    {"deepseek-v3.1",
     "{{'<｜User｜>' + message['content']}} … {{'<｜Assistant｜>'}} {%- if not thinking "
     "-%}{{'</think>'}} {%- else -%}{{'<think>'}}",
     "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hello<｜Assistant｜></think>Hi there "
     "<｜end▁of▁sentence｜><｜User｜> Who? <｜Assistant｜></think>",
     "<｜begin▁of▁sentence｜><｜User｜>Hello<｜Assistant｜></think>"},
    /* deepseek-ai/DeepSeek-V3 */
    {"deepseek-v3", "{{'<｜User｜>' + message['content'] + '<｜Assistant｜>'}}",
     "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hello<｜Assistant｜>Hi there "
     "<｜end▁of▁sentence｜><｜User｜> Who? <｜Assistant｜>",
     "<｜begin▁of▁sentence｜><｜User｜>Hello<｜Assistant｜>"},
    /* deepseek-ai/DeepSeek-V2-Lite-Chat */
    {"deepseek-v2",
     "{{ 'User: ' + message['content'] + '\\n\\n' }} … {{ 'Assistant: ' + "
     "message['content'] + eos_token }} … {{ 'Assistant:' }}",
     "<｜begin▁of▁sentence｜>Be brief.\n\nUser: Hello\n\nAssistant: Hi there "
     "<｜end▁of▁sentence｜>User:  Who? \n\nAssistant:",
     "<｜begin▁of▁sentence｜>User: Hello\n\nAssistant:"},
    /* ibm-granite/granite-3.1-3b-a800m-instruct */
    {"granite",
     "\"Knowledge Cutoff Date: April 2024.\\nToday's Date: \" + strftime_now('%B %d, "
     "%Y') … '<|start_of_role|>' + message['role'] + '<|end_of_role|>' ",
     "<|start_of_role|>system<|end_of_role|>Be "
     "brief.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Hello<|end_of_text|>\n<|"
     "start_of_role|>assistant<|end_of_role|>Hi there "
     "<|end_of_text|>\n<|start_of_role|>user<|end_of_role|> Who? "
     "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
     "<|start_of_role|>system<|end_of_role|>Knowledge Cutoff Date: April 2024.\nToday's "
     "Date: March 09, 2025.\nYou are Granite, developed by IBM. You are a helpful AI "
     "assistant.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Hello<|end_of_text|>"
     "\n<|start_of_role|>assistant<|end_of_role|>"},
    /* ibm-granite/granite-3.0-1b-a400m-instruct */
    {"granite3.0",
     "{{- '<|start_of_role|>user<|end_of_role|>' + message['content'] + "
     "'<|end_of_text|>\\n' }}",
     "<|start_of_role|>system<|end_of_role|>Be "
     "brief.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Hello<|end_of_text|>\n<|"
     "start_of_role|>assistant<|end_of_role|>Hi there "
     "<|end_of_text|>\n<|start_of_role|>user<|end_of_role|> Who? "
     "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
     "<|start_of_role|>user<|end_of_role|>Hello<|end_of_text|>\n<|start_of_role|>"
     "assistant<|end_of_role|>"},
    /* zai-org/GLM-4.7-Flash */
    {"glm4.7",
     "[gMASK]<sop> … <|assistant|>{{- '</think>' if (enable_thinking is defined and not "
     "enable_thinking) else '<think>' -}}",
     "[gMASK]<sop><|system|>Be brief.<|user|>Hello<|assistant|></think>Hi there<|user|> "
     "Who? <|assistant|><think>",
     "[gMASK]<sop><|user|>Hello<|assistant|><think>"},
    /* zai-org/GLM-4.6 */
    {"glm4.5",
     "[gMASK]<sop> … {{ '\\n<think></think>' }} … <|assistant|>{{- '\\n<think></think>' "
     "if (enable_thinking is defined and not enable_thinking) else '' -}}",
     "[gMASK]<sop><|system|>\nBe brief.<|user|>\nHello<|assistant|>\n<think></think>\nHi "
     "there<|user|>\n Who? <|assistant|>",
     "[gMASK]<sop><|user|>\nHello<|assistant|>"},
    /* zai-org/glm-4-9b-chat */
    {"glm4",
     "[gMASK]<sop>{% for item in messages %} … <|{{ item['role'] }}|>{{ item['metadata'] "
     "}}\\n{{ item['content'] }}",
     "[gMASK]<sop><|system|>\nBe brief.<|user|>\nHello<|assistant|>\nHi there <|user|>\n "
     "Who? <|assistant|>\n",
     "[gMASK]<sop><|user|>\nHello<|assistant|>\n"},
    /* baidu/ERNIE-4.5-21B-A3B-PT */
    {"ernie4.5",
     "{%- set cls_token = \"<|begin_of_sentence|>\" -%} … \"User: \" + "
     "message[\"content\"] + \"\\n\" … \"Assistant: \" + message[\"content\"] + "
     "sep_token",
     "<|begin_of_sentence|>Be brief.\nUser: Hello\nAssistant: Hi there "
     "<|end_of_sentence|>User:  Who? \nAssistant: ",
     "<|begin_of_sentence|>User: Hello\nAssistant: "},
    /* inclusionAI/Ling-mini-2.0 */
    {"bailing2",
     "{% set thinking_option = 'off' %} … '<role>HUMAN</role>' + message.content + "
     "'<|role_end|>' … '\\n<think>\\n' ",
     "<role>SYSTEM</role>Be brief.\ndetailed thinking "
     "off<|role_end|><role>HUMAN</role>Hello<|role_end|><role>ASSISTANT</role>Hi there "
     "<|role_end|><role>HUMAN</role> Who? <|role_end|><role>ASSISTANT</role>",
     "<role>SYSTEM</role>detailed thinking "
     "off<|role_end|><role>HUMAN</role>Hello<|role_end|><role>ASSISTANT</role>"},
    /* inclusionAI/Ling-lite */
    {"bailing",
     "{% set role = 'HUMAN' %} … {{ '<role>' + role + '</role>' + message['content'] }}",
     "<role>SYSTEM</role>Be brief.<role>HUMAN</role>Hello<role>ASSISTANT</role>Hi there "
     "<role>HUMAN</role> Who? <role>ASSISTANT</role>",
     "<role>HUMAN</role>Hello<role>ASSISTANT</role>"},
    /* google/gemma-4-26B-A4B-it */
    {"gemma4",
     "{{- '<|turn>' + role + '\\n' }} … {{- '<|channel>thought\\n<channel|>' -}}",
     "<bos><|turn>system\nBe brief.<turn|>\n<|turn>user\nHello<turn|>\n<|turn>model\nHi "
     "there<turn|>\n<|turn>user\nWho?<turn|>\n<|turn>model\n<|channel>thought\n<channel|"
     ">",
     "<bos><|turn>user\nHello<turn|>\n<|turn>model\n<|channel>thought\n<channel|>"},
    /* google/gemma-4-E4B-it */
    {"gemma4-e", "{%- if '<|channel>' in part -%} … {{- '<|turn>' + role + '\\n' }}",
     "<bos><|turn>system\nBe brief.<turn|>\n<|turn>user\nHello<turn|>\n<|turn>model\nHi "
     "there<turn|>\n<|turn>user\nWho?<turn|>\n<|turn>model\n",
     "<bos><|turn>user\nHello<turn|>\n<|turn>model\n"},
    /* google/gemma-3-4b-it */
    {"gemma",
     "{{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else \"\") "
     "}}",
     "<bos><start_of_turn>user\nBe "
     "brief.\n\nHello<end_of_turn>\n<start_of_turn>model\nHi "
     "there<end_of_turn>\n<start_of_turn>user\nWho?<end_of_turn>\n<start_of_turn>model\n",
     "<bos><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n"},
    /* moonshotai/Kimi-K2-Instruct-0905 */
    {"kimi-k2",
     "<|im_system|>system<|im_middle|>You are Kimi, an AI assistant created by Moonshot "
     "AI.<|im_end|>",
     "<|im_system|>system<|im_middle|>Be "
     "brief.<|im_end|><|im_user|>user<|im_middle|>Hello<|im_end|><|im_assistant|>"
     "assistant<|im_middle|>Hi there <|im_end|><|im_user|>user<|im_middle|> Who? "
     "<|im_end|><|im_assistant|>assistant<|im_middle|>",
     "<|im_system|>system<|im_middle|>You are Kimi, an AI assistant created by Moonshot "
     "AI.<|im_end|><|im_user|>user<|im_middle|>Hello<|im_end|><|im_assistant|>assistant<|"
     "im_middle|>"},
    /* moonshotai/Moonlight-16B-A3B-Instruct */
    {"moonlight",
     "<|im_system|>system<|im_middle|>You are a helpful assistant provided by "
     "Moonshot-AI.<|im_end|>",
     "<|im_system|>system<|im_middle|>Be "
     "brief.<|im_end|><|im_user|>user<|im_middle|>Hello<|im_end|><|im_assistant|>"
     "assistant<|im_middle|>Hi there <|im_end|><|im_user|>user<|im_middle|> Who? "
     "<|im_end|><|im_assistant|>assistant<|im_middle|>",
     "<|im_system|>system<|im_middle|>You are a helpful assistant provided by "
     "Moonshot-AI.<|im_end|><|im_user|>user<|im_middle|>Hello<|im_end|><|im_assistant|>"
     "assistant<|im_middle|>"},
    /* moonshotai/Kimi-K2-Instruct */
    {"kimi-k2-0711",
     "{{ '<|im_system|>system<|im_middle|>You are a helpful assistant<|im_end|>' }}",
     "<|im_system|>system<|im_middle|>Be "
     "brief.<|im_end|><|im_user|>user<|im_middle|>Hello<|im_end|><|im_assistant|>"
     "assistant<|im_middle|>Hi there <|im_end|><|im_user|>user<|im_middle|> Who? "
     "<|im_end|><|im_assistant|>assistant<|im_middle|>",
     "<|im_system|>system<|im_middle|>You are a helpful "
     "assistant<|im_end|><|im_user|>user<|im_middle|>Hello<|im_end|><|im_assistant|>"
     "assistant<|im_middle|>"},
    /* microsoft/phi-4 */
    {"phi4",
     "{{'<|im_start|>user<|im_sep|>' + message['content'] + "
     "'<|im_end|><|im_start|>assistant<|im_sep|>'}}",
     "<|im_start|>system<|im_sep|>Be "
     "brief.<|im_end|><|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_"
     "sep|>Hi there <|im_end|><|im_start|>user<|im_sep|> Who? "
     "<|im_end|><|im_start|>assistant<|im_sep|>",
     "<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>"},
    /* microsoft/Phi-4-mini-instruct */
    {"phi4-mini",
     "{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + "
     "message['tools'] + '<|/tool|>' + '<|end|>' }}",
     "<|system|>Be brief.<|end|><|user|>Hello<|end|><|assistant|>Hi there "
     "<|end|><|user|> Who? <|end|><|assistant|>",
     "<|user|>Hello<|end|><|assistant|>"},
    /* microsoft/Phi-3.5-MoE-instruct */
    {"phi3",
     "{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}} … {{'<|assistant|>\\n' + "
     "message['content'] + '<|end|>\\n'}}",
     "<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi there "
     "<|end|>\n<|user|>\n Who? <|end|>\n<|assistant|>\n",
     "<|user|>\nHello<|end|>\n<|assistant|>\n"},
    /* HuggingFaceH4/zephyr-7b-beta */
    {"zephyr",
     "{{ '<|user|>\\n' + message['content'] + eos_token }} … {{ '<|assistant|>\\n'  + "
     "message['content'] + eos_token }}",
     "<|system|>\nBe brief.</s>\n<|user|>\nHello</s>\n<|assistant|>\nHi there "
     "</s>\n<|user|>\n Who? </s>\n<|assistant|>\n",
     "<|user|>\nHello</s>\n<|assistant|>\n"},
    /* allenai/OLMoE-1B-7B-0924-Instruct */
    {"olmoe",
     "{{ bos_token }} … {{ '<|user|>\\n' + message['content'] + '\\n' }} … {{ "
     "'<|assistant|>\\n' + message['content'] + eos_token + '\\n' }}",
     "<|endoftext|><|system|>\nBe brief.\n<|user|>\nHello\n<|assistant|>\nHi there "
     "<|endoftext|>\n<|user|>\n Who? \n<|assistant|>\n",
     "<|endoftext|><|user|>\nHello\n<|assistant|>\n"},
    /* allenai/Llama-3.1-Tulu-3-8B */
    {"tulu",
     "{{ '<|user|>\\n' + message['content'] + '\\n' }} … {{ '<|assistant|>\\n' + "
     "message['content'] + eos_token + '\\n' }}",
     "<|system|>\nBe brief.\n<|user|>\nHello\n<|assistant|>\nHi there "
     "<|endoftext|>\n<|user|>\n Who? \n<|assistant|>\n",
     "<|user|>\nHello\n<|assistant|>\n"},
    /* LiquidAI/LFM2-8B-A1B */
    {"lfm2",
     "{{- bos_token -}} … \"List of tools: <|tool_list_start|>[\" … {{- \"<|im_start|>\" "
     "+ message[\"role\"] + \"\\n\" -}} … \"<|im_end|>\\n\" … \"</think>\" in content",
     "<|startoftext|><|im_start|>system\nBe "
     "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi "
     "there <|im_end|>\n<|im_start|>user\n Who? <|im_end|>\n<|im_start|>assistant\n",
     "<|startoftext|><|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"},
    /* Qwen/Qwen3-30B-A3B-Thinking-2507 */
    {"qwen3-thinking",
     "{{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content }} … "
     "'<|im_end|>\\n' … {{- '<|im_start|>assistant\\n<think>\\n' }}",
     "<|im_start|>system\nBe "
     "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi "
     "there <|im_end|>\n<|im_start|>user\n Who? "
     "<|im_end|>\n<|im_start|>assistant\n<think>\n",
     "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\n"},
    /* Qwen/Qwen2.5-7B-Instruct */
    {"qwen2.5",
     "{{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a "
     "helpful assistant.<|im_end|>\\n' }}",
     "<|im_start|>system\nBe "
     "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi "
     "there <|im_end|>\n<|im_start|>user\n Who? <|im_end|>\n<|im_start|>assistant\n",
     "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
     "assistant.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"},
    /* Qwen/Qwen2-57B-A14B-Instruct */
    {"qwen2", "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}",
     "<|im_start|>system\nBe "
     "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi "
     "there <|im_end|>\n<|im_start|>user\n Who? <|im_end|>\n<|im_start|>assistant\n",
     "<|im_start|>system\nYou are a helpful "
     "assistant.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"},
    /* Qwen/Qwen1.5-MoE-A2.7B-Chat */
    {"qwen1.5", "{{ '<|im_start|>system\\nYou are a helpful assistant<|im_end|>\\n' }}",
     "<|im_start|>system\nBe "
     "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi "
     "there <|im_end|>\n<|im_start|>user\n Who? <|im_end|>\n<|im_start|>assistant\n",
     "<|im_start|>system\nYou are a helpful "
     "assistant<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"},
    /* Qwen/Qwen3-30B-A3B */
    {"qwen3",
     "{{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content }} … "
     "'<|im_end|>\\n' … {{- '<|im_start|>assistant\\n' }} … {{- "
     "'<think>\\n\\n</think>\\n\\n' }}",
     "<|im_start|>system\nBe "
     "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi "
     "there <|im_end|>\n<|im_start|>user\n Who? <|im_end|>\n<|im_start|>assistant\n",
     "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"},
    /* Qwen/Qwen3-30B-A3B-Instruct-2507 */
    {"chatml",
     "{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}",
     "<|im_start|>system\nBe "
     "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi "
     "there <|im_end|>\n<|im_start|>user\n Who? <|im_end|>\n<|im_start|>assistant\n",
     "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"},
};
const size_t chat_n_case = sizeof chat_cases / sizeof *chat_cases;
