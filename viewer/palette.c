/* palette.c - the colours of everything, on dark and on light ground. */
#include "palette.h"

struct palette palette_make(bool light)
{
    if (light)
        return (struct palette){.light = true,
                                .ground = 0xeceae4,
                                .panel = 0xfaf9f6,
                                .raised = 0xe6e3db,
                                .line = 0xd8d4ca,
                                .text = 0x24262b,
                                .quiet = 0x5f6167,
                                .faint = 0x6c6b67,
                                .accent = 0x1663b7,
                                .warn = 0xb3470f};
    return (struct palette){.ground = 0x0e1014,
                            .panel = 0x15181e,
                            .raised = 0x232730,
                            .line = 0x2a2f39,
                            .text = 0xe4e6ea,
                            .quiet = 0x989ea9,
                            .faint = 0x828896,
                            .accent = 0xf2f4f8,
                            .warn = 0xffa45c};
}

uint32_t palette_mix(uint32_t a, uint32_t b, float t)
{
    const float k = t < 0 ? 0 : t > 1 ? 1 : t;
    uint32_t out = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        const float x = (float)(a >> shift & 255), y = (float)(b >> shift & 255);
        out |= (uint32_t)(x + (y - x) * k + 0.5f) << shift;
    }
    return out;
}

uint32_t palette_expert(const struct palette *p, uint32_t expert)
{
    /* Hues told apart by lightness as well as by hue. */
    static const uint32_t hue[8] = {0x4c9be8, 0xf0a030, 0x2fbf95, 0xe8705a,
                                    0xc58bd8, 0xe9dd5a, 0x8cc7f2, 0xb98a5e};
    const uint32_t c = hue[expert % 8];
    const uint32_t level = expert / 8 % 3;
    if (p->light) {
        static const float dark[3] = {0.22f, 0.45f, 0.0f};
        return palette_mix(c, 0x101418, dark[level]);
    }
    if (level == 0)
        return c;
    return level == 1 ? palette_mix(c, 0xffffff, 0.42f) : palette_mix(c, 0x15181e, 0.38f);
}

uint32_t palette_ramp(const struct palette *p, float v)
{
    static const uint32_t dark[5] = {0x1b1f27, 0x24416b, 0x3a7f95, 0x8fbf7a, 0xfbe86a};
    static const uint32_t light[5] = {0xf0eee8, 0xb8d3d6, 0x5f9fb0, 0x2c5f92, 0x1c2350};
    const uint32_t *stop = p->light ? light : dark;
    const float x = (v > 0 ? v < 1 ? v : 1 : 0) * 4;
    const int i = x < 4 ? (int)x : 3;
    return palette_mix(stop[i], stop[i + 1], x - (float)i);
}

uint32_t palette_difference(const struct palette *p, float v)
{
    const uint32_t far =
        v < 0 ? (p->light ? 0x1f5fb0 : 0x5fa8ff) : (p->light ? 0xb8560c : 0xffa23c);
    const uint32_t near = palette_ramp(p, 0);
    return palette_mix(near, far, v < 0 ? -v : v);
}

uint32_t palette_ink(uint32_t ground)
{
    /* Weights of the channels as the eye sees them, ITU-R BT.709, in 1/256. */
    const uint32_t light =
        54 * (ground >> 16 & 255) + 183 * (ground >> 8 & 255) + 19 * (ground & 255);
    return light > 118 * 256 ? 0x10131a : 0xffffff;
}
