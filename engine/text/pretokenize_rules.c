/* pretokenize_rules.c - the regular expressions of the model families, by the name
 * that GGUF files give them.
 *
 * Each row says whose expressions they are: the published tokenizer.json (field
 * pre_tokenizer) or tokenizer source of that model; "by llama.cpp" where they were read
 * from its list instead. Other names of a row are those of models that use the same
 * expressions. Which name stands for which model is the convention of llama.cpp's
 * converter. */
#include "text/pretokenize.h"

/* English contractions, in lower case only and in any case. */
#define SHORT     "'s|'t|'re|'ve|'m|'ll|'d"
#define SHORT_ANY "(?i:" SHORT ")"

/* GPT-2: a word with the space before it; spaces but for the last before a word. */
#define GPT2 SHORT "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/* cl100k and its kin: any one sign before a word; line breaks kept together. */
#define WORD_1         "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SIGNS          " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define LINES          "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CL100K(digits) SHORT_ANY "|" WORD_1 "|" digits "|" SIGNS "|" LINES

/* o200k: words are also cut where a lower-case letter meets an upper-case one. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(upper, lower, tail)                                                        \
    "[^\\r\\n\\p{L}\\p{N}]?" upper "*" lower "+" tail "|[^\\r\\n\\p{L}\\p{N}]?" upper    \
    "+" lower "*" tail
#define SIGNS_SLASH " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"

/* The same letters but for Chinese ones; PCRE2 has no class intersection. */
#define NOT_HAN(class) "(?:(?!\\p{sc:Han})" class ")"

/* Signs of ASCII as DeepSeek-V3 lists them. */
#define ASCII_SIGNS "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"

/* All of it, for o200k itself and those who took it over. */
#define O200K(digits)                                                                    \
    CASED(UPPER, LOWER, SHORT_ANY "?") "|" digits "|" SIGNS_SLASH "|" LINES

/* DeepSeek-V3's words and signs; its Chinese and Kana. */
#define DEEPSEEK3                                                                        \
    ASCII_SIGNS "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"                  \
                "| ?[\\p{P}\\p{S}]+[\\r\\n]*|" LINES
#define CJK_KANA "\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}"

/* Chinese, Kana, Thai, Lao, Khmer, Burmese, Hangul, as Trinity lists them. */
#define AFMOE_SCRIPTS                                                                    \
    "\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}\\x{3040}-\\x{309F}"       \
    "\\x{30A0}-\\x{30FF}\\x{FF65}-\\x{FF9F}\\x{2F00}-\\x{2FDF}\\x{E40}-\\x{E7F}"         \
    "\\x{E80}-\\x{EFF}\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}\\x{AA60}-\\x{AA7F}"         \
    "\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}"

/* Wide signs as Youtu lists them. */
#define YOUTU_SIGNS                                                                      \
    "\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}\\x{2019}\\x{2014}\\x{FF1A}"           \
    "\\x{FF1B}\\x{FF0C}\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}"

/* Cased letters as DeepSeek LLM lists them: most of Lu, Ll and Lt. */
#define CASED_LETTERS                                                                    \
    "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}"       \
    "\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}"                \
    "\\x{37B}-\\x{37D}\\x{37F}\\x{386}\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}"        \
    "\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}"               \
    "\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}"       \
    "\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}"       \
    "\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}"       \
    "\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}"                  \
    "\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}"                 \
    "\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}"       \
    "\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}\\x{210A}-\\x{2113}"        \
    "\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}\\x{212A}-\\x{212D}"         \
    "\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}"        \
    "\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}"        \
    "\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}"        \
    "\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}"       \
    "\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}"     \
    "\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}"                    \
    "\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}"

/* Its other ranges: signs (with ':' to '~', so letters as well), and the scripts
 * that are written without spaces. */
#define DEEPSEEK_SIGNS                                                                   \
    "!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}"
#define DEEPSEEK_CJK "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"

/* A word of BLOOM ends at a space or at one of these. */
#define BLOOM_END "(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})"

const struct pretokenize_rule pretokenize_rules[] = {
    /* GPT-2 (openai/gpt-2, encoder.py) */
    {.names = "gpt-2 phi-2 mpt olmo gpt-neox jais trillion exaone4 gigachat a.x-4.0 "
              "mellum granite-docling",
     .stage = {GPT2}},
    /* StarCoder (bigcode/starcoder): digits one by one. Granite goes by "refact". */
    {.names = "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
     .stage = {"\\p{N}", GPT2}},
    /* Llama 3 (meta-llama/Meta-Llama-3-8B; its model has ignore_merges) */
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 "
              "jina-v5-nano",
     .stage = {CL100K("\\p{N}{1,3}")},
     .whole_words = true,
     .add_bos = true},
    /* GPT-4 (openai/tiktoken, cl100k_base); DBRX and GLM-4 took it over */
    {.names = "dbrx smaug-bpe glm4 glm5 chatglm-bpe", .stage = {CL100K("\\p{N}{1,3}")}},
    /* Qwen2 (Qwen/Qwen2-7B): digits one by one */
    {.names = "qwen2 deepseek-r1-qwen stablelm2 megrez hunyuan solar-open grok-2 kormo "
              "f2llmv2",
     .stage = {CL100K("\\p{N}")}},
    /* Qwen3.5 (Qwen/Qwen3.5): marks belong to their letters */
    {.names = "qwen35",
     .stage = {SHORT_ANY "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                         "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" LINES}},
    /* DeepSeek LLM (deepseek-ai/deepseek-llm-7b-base). "\s+$" is anchored to the
     * start of its spaces, so that a long run is not tried from every place. */
    {.names = "deepseek-llm",
     .stage = {"[\\r\\n]", "\\s?[" CASED_LETTERS "]+", "\\s?[" DEEPSEEK_SIGNS "]+",
               "(?<!\\s)\\s+$", DEEPSEEK_CJK, "\\p{N}+"}},
    /* DeepSeek Coder (deepseek-ai/deepseek-coder-6.7b-base) */
    {.names = "deepseek-coder",
     .stage = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_CJK, "\\p{N}"}},
    /* DeepSeek-V3 (deepseek-ai/DeepSeek-V3) */
    {.names = "deepseek-v3 hunyuan-dense joyai-llm hy_v4",
     .stage = {"\\p{N}{1,3}", "[" CJK_KANA "]+", DEEPSEEK3}},
    /* Trinity (arcee-ai/Trinity-Mini, by llama.cpp): digits by threes from the right;
     * scripts that are written without spaces; then as DeepSeek-V3 */
    {.names = "afmoe",
     .stage = {"\\p{N}+", "\\A\\p{N}{1,2}(?=(?:\\p{N}{3})++\\z)", "\\p{N}{3}",
               "[" AFMOE_SCRIPTS "]+", DEEPSEEK3}},
    /* GPT-4o (openai/tiktoken, o200k_base); gpt-oss uses it as o200k_harmony */
    {.names = "gpt-4o llama4 kanana2 minimax-m2 talkie", .stage = {O200K("\\p{N}{1,3}")}},
    /* Tiny Aya (CohereLabs/tiny-aya-base), Command A MoE: a number that ends where a
     * word may end by threes from the right, "\\d{1,3}(?=(?:\\d{3})*\\b)"; the two stages
     * say the same in time that grows with the number's length only, not its square. */
    {.names = "tiny_aya cohere2moe",
     .stage = {"(?<!\\d)\\d{1,3}(?=(?:\\d{3})*+(?![\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}]))",
               "\\G\\d{3}", O200K("\\p{N}{1,3}")}},
    /* Youtu (tencent/Youtu-LLM-2B, by llama.cpp; its model has ignore_merges): Hangul,
     * wide signs, Bopomofo, and Chinese with Kana stand apart */
    {.names = "youtu",
     .stage = {"[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+|[" YOUTU_SIGNS "]+"
               "|[\\x{3105}-\\x{312F}]+|[" CJK_KANA "]+",
               O200K("\\p{N}")},
     .whole_words = true},
    /* Mistral Tekken (mistralai/Mistral-Nemo-Base-2407; its model has ignore_merges) */
    {.names = "tekken",
     .stage = {CASED(UPPER, LOWER, "") "|\\p{N}|" SIGNS_SLASH "|" LINES},
     .whole_words = true,
     .add_bos = true},
    /* Kimi K2 (moonshotai/Kimi-K2-Instruct, tokenization_kimi.py) */
    {.names = "kimi-k2",
     .stage = {"\\p{sc:Han}+|" CASED(NOT_HAN(UPPER), NOT_HAN(LOWER),
                                     SHORT_ANY "?") "|\\p{N}{1,3}|" SIGNS "|" LINES}},
    /* Ling (inclusionAI/Ling-lite) */
    {.names = "bailingmoe bailingmoe2 llada-moe",
     .stage = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}"
               "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    /* K-EXAONE (LGAI-EXAONE/K-EXAONE-236B-A23B, by llama.cpp): words with single spaces
     * between stay together, for tokens of several words */
    {.names = "exaone-moe",
     .stage = {SHORT_ANY
               "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}\\p{M}*+(?: ?\\p{L}\\p{M}*+)*+|\\p{N}"
               "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    /* SuperBPE (Liu et al., arXiv 2503.13423, UW/OLMo2-8B-SuperBPE-t180k): nothing is cut
     * but numbers, "\\p{N}+", and these before every place with whole threes of digits to
     * come, "(?=(\\d{3})+(?!\\d))": to the first such place of a number, then by threes.
     */
    {.names = "superbpe",
     .stage = {"\\p{N}+",
               "\\G\\p{N}+?(?:(?<!\\d)|(?<=(?<!\\d)\\d)|(?<=(?<!\\d)\\d\\d))"
               "(?=(?:\\d{3})++(?!\\d))",
               "\\G\\d{3}(?=\\d)"}},
    /* Laguna (by llama.cpp): Qwen2 within lines */
    {.names = "laguna", .stage = {"[^\\n]+|\\n+", CL100K("\\p{N}")}},
    /* MiniCPM5 (by llama.cpp; its model has ignore_merges) */
    {.names = "minicpm5",
     .stage = {"\\p{N}{1,3}", CL100K("\\p{N}+")},
     .whole_words = true},
    /* K2 Horizon (by llama.cpp): marks and joiners belong to their letters */
    {.names = "k2-horizon",
     .stage = {SHORT_ANY "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}\\x{200C}\\x{200D}]+"
                         "|\\p{N}{1,3}|" SIGNS "|" LINES}},
    /* Jais 2 (by llama.cpp): long runs of spaces by powers of two */
    {.names = "jais-2",
     .stage = {SHORT_ANY "|" WORD_1 "|\\p{N}{1,3}|" SIGNS "|\\s*[\\r\\n]+"
                         "|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)"
                         "|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)"
                         "|\\s{1,2}(?!\\S)|\\s"}},
    /* Seed-Coder (ByteDance-Seed/Seed-Coder-8B-Base) */
    {.names = "seed-coder",
     .stage = {SHORT_ANY "|" WORD_1 "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" LINES}},
    /* Falcon (tiiuae/falcon-7b) */
    {.names = "falcon", .stage = {"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"}},
    /* BLOOM (bigscience/bloom); Poro and GPT-3 Finnish took it over */
    {.names = "bloom poro-chat gpt3-finnish", .stage = {" ?[^" BLOOM_END "]+"}},
    /* Viking (LumiOpen/Viking-7B): BLOOM with digits one by one */
    {.names = "viking", .stage = {" ?[^" BLOOM_END "]+", "\\p{N}"}},
    /* No model's own: what files of converters that know no names are run with */
    {.names = "default",
     .stage = {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {.names = NULL},
};
