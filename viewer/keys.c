/* keys.c - which key gives which command. */
#include "keys.h"

#include <SDL_keycode.h>

#define VIEW_KEY(digit, view)                                                            \
    {                                                                                    \
        SDLK_##digit, 0, (enum command)(CMD_VIEW_0 + (view)), NULL, NULL                 \
    }

static const struct key table[] = {
    {SDLK_SPACE, 0, CMD_PLAY, "Space", "play, pause"},
    {SDLK_LEFT, 0, CMD_BACK, "Left, Right", "one token back, on"},
    {SDLK_RIGHT, 0, CMD_NEXT, NULL, NULL},
    {SDLK_PAGEUP, 0, CMD_PAGE_BACK, "PgUp, PgDn", "a page back, on; or the panel"},
    {SDLK_PAGEDOWN, 0, CMD_PAGE_NEXT, NULL, NULL},
    {SDLK_HOME, 0, CMD_FIRST, "Home, End", "first, last token"},
    {SDLK_END, 0, CMD_LAST, NULL, NULL},
    {SDLK_MINUS, 0, CMD_SLOWER, "- and +", "slower, faster"},
    {SDLK_PLUS, 0, CMD_FASTER, NULL, NULL},
    {SDLK_PLUS, KEYS_SHIFT, CMD_FASTER, NULL, NULL},
    {SDLK_EQUALS, 0, CMD_FASTER, NULL, NULL},
    {SDLK_EQUALS, KEYS_SHIFT, CMD_FASTER, NULL, NULL},
    {SDLK_UP, 0, CMD_LAYER_DOWN, "Up, Down", "the layer above, below"},
    {SDLK_DOWN, 0, CMD_LAYER_UP, NULL, NULL},
    {SDLK_RIGHTBRACKET, 0, CMD_EXPERT_NEXT, "[ and ]", "expert"},
    {SDLK_LEFTBRACKET, 0, CMD_EXPERT_BACK, NULL, NULL},
    {SDLK_ESCAPE, 0, CMD_UNSELECT, "Esc", "let go of the expert, of the view"},
    {SDLK_TAB, 0, CMD_SIDE, "Tab", "next picture beside the text"},
    VIEW_KEY(1, VIEW_TEXT),
    {SDLK_2, 0, (enum command)(CMD_VIEW_0 + VIEW_BANK), "1 to 9",
     "one view alone, or all (title)"},
    VIEW_KEY(3, VIEW_SCORE),
    VIEW_KEY(4, VIEW_INSPECTOR),
    VIEW_KEY(5, VIEW_FLOW),
    VIEW_KEY(6, VIEW_COACT),
    VIEW_KEY(7, VIEW_PROMPT),
    VIEW_KEY(8, VIEW_FIGURES),
    {SDLK_0, 0, CMD_VIEW_0, NULL, NULL},
    VIEW_KEY(9, VIEW_AB),
    {SDLK_c, 0, CMD_COLOR, "C", "what the tokens' colour means"},
    {SDLK_b, 0, CMD_BANK, "B", "what the bank shows"},
    {SDLK_p, 0, CMD_PIN, "P", "pin this token as reference"},
    {SDLK_z, 0, CMD_ZOOM_IN, "Z, Shift+Z", "bank: nearer, farther (wheel)"},
    {SDLK_z, KEYS_SHIFT, CMD_ZOOM_OUT, NULL, NULL},
    {SDLK_LEFT, KEYS_SHIFT, CMD_PAN_LEFT, "Shift+arrows", "bank: move (right button)"},
    {SDLK_RIGHT, KEYS_SHIFT, CMD_PAN_RIGHT, NULL, NULL},
    {SDLK_UP, KEYS_SHIFT, CMD_PAN_UP, NULL, NULL},
    {SDLK_DOWN, KEYS_SHIFT, CMD_PAN_DOWN, NULL, NULL},
    {SDLK_e, 0, CMD_STEERING, "E", "step in: experts, choosing, policy"},
    {SDLK_e, KEYS_SHIFT, (enum command)(CMD_VIEW_0 + VIEW_STEER), NULL, NULL},
    {SDLK_v, 0, CMD_SELECT, "V", "select it, too (Ctrl+click)"},
    {SDLK_x, 0, CMD_BAN, "X, F", "ban, force the selected experts"},
    {SDLK_f, 0, CMD_FORCE, NULL, NULL},
    {SDLK_m, 0, CMD_BIAS_UP, "M, Shift+M", "bias them up, down"},
    {SDLK_m, KEYS_SHIFT, CMD_BIAS_DOWN, NULL, NULL},
    {SDLK_u, 0, CMD_UNSET, "U, Shift+U", "undo theirs, undo everything"},
    {SDLK_u, KEYS_SHIFT, CMD_UNSET_ALL, NULL, NULL},
    {SDLK_n, 0, CMD_SETTING, "N", "next setting to change"},
    {SDLK_COMMA, 0, CMD_SETTING_DOWN, ", and .", "less, more of it"},
    {SDLK_PERIOD, 0, CMD_SETTING_UP, NULL, NULL},
    {SDLK_d, 0, CMD_SEED_UP, "D, Shift+D", "another seed"},
    {SDLK_d, KEYS_SHIFT, CMD_SEED_DOWN, NULL, NULL},
    {SDLK_r, 0, CMD_REGENERATE, "R", "write anew from this token"},
    {SDLK_BACKSPACE, 0, CMD_STEP_BACK, "Backspace", "take this token back, and wait"},
    {SDLK_a, 0, CMD_PIN_RUN, "A", "pin the run as A, to compare with"},
    {SDLK_o, KEYS_CTRL, CMD_POLICY_LOAD, "Ctrl+O, Ctrl+P", "load, save the policy"},
    {SDLK_p, KEYS_CTRL, CMD_POLICY_SAVE, NULL, NULL},
    {SDLK_j, 0, CMD_POLICY_MORE, "J", "on in the list of what is in force"},
    {SDLK_t, 0, CMD_TYPE, "T", "type a prompt; Enter: begin"},
    {SDLK_RETURN, 0, CMD_TYPE, NULL, NULL},
    {SDLK_s, KEYS_CTRL, CMD_SAVE, "Ctrl+S", "save the recording"},
    {SDLK_c, KEYS_CTRL, CMD_COPY, "Ctrl+C", "copy the text"},
    {SDLK_s, 0, CMD_SHOT, "S", "save the window as a picture"},
    {SDLK_l, 0, CMD_PALETTE, "L", "light or dark"},
    {SDLK_QUESTION, 0, CMD_HELP, "? or F1", "these keys"},
    {SDLK_QUESTION, KEYS_SHIFT, CMD_HELP, NULL, NULL},
    {SDLK_SLASH, KEYS_SHIFT, CMD_HELP, NULL, NULL},
    {SDLK_F1, 0, CMD_HELP, NULL, NULL},
    {SDLK_q, 0, CMD_QUIT, "Q", "quit"},
};

enum command keys_command(int symbol, unsigned with)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].symbol == symbol && table[i].with == with)
            return table[i].command;
    return CMD_NONE;
}

const struct key *keys_table(size_t *n)
{
    *n = sizeof table / sizeof *table;
    return table;
}
