/* font_builtin.c - a tiny face of three by five dots, drawn for this program. */
#include "font_builtin.h"

/* One octal digit per row. */
static const uint16_t digit[10] = {075557, 026227, 071747, 071717, 055711,
                                   074717, 074757, 071122, 075757, 075717};
static const uint16_t letter[26] = {
    025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227,
    011153, 055655, 044447, 057755, 065555, 025552, 065644, 025573, 065655,
    034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247};

static const struct {
    uint32_t c;
    uint16_t bits;
} other[] = {{0xb7, 000200}, {'\\', 044211}, {0xd7, 005250}, {' ', 0},      {'.', 000002},
             {',', 000024},  {':', 002020},  {';', 002024},  {'-', 000700}, {'_', 000007},
             {'!', 022202},  {'?', 061202},  {'/', 011244},  {'(', 012221}, {')', 042224},
             {'[', 032223},  {']', 062226},  {'+', 002720},  {'=', 007070}, {'%', 051245},
             {'\'', 022000}, {'"', 055000},  {'*', 052500},  {'<', 012421}, {'>', 042124},
             {'#', 057575},  {'|', 022222},  {'&', 025253}};

uint16_t font_builtin_glyph(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return digit[c - '0'];
    if (c >= 'A' && c <= 'Z')
        return letter[c - 'A'];
    if (c >= 'a' && c <= 'z')
        return letter[c - 'a'];
    for (unsigned i = 0; i < sizeof other / sizeof *other; i++)
        if (c == other[i].c)
            return other[i].bits;
    return 075557;
}
