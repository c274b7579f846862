// dot_i8.glsl - sums of products of signed bytes, four in a word: OpSDot of the extension
// SPV_KHR_integer_dot_product, which this GLSL compiler has no function for.

#ifndef DOT_I8_GLSL
#define DOT_I8_GLSL

#extension GL_EXT_spirv_intrinsics : require

// Capabilities DotProductInput4x8BitPacked and DotProduct; 0: PackedVectorFormat4x8Bit
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"],
                  capabilities = [6018, 6019],
                  id = 4450) int op_sdot(uint a, uint b, spirv_literal int packed_format);

int dot_i8(uvec4 a, uvec4 b)
{
    return (op_sdot(a.x, b.x, 0) + op_sdot(a.y, b.y, 0)) +
           (op_sdot(a.z, b.z, 0) + op_sdot(a.w, b.w, 0));
}

// sum + the same: one after the other, as devices that add while they multiply do it.
int add_dots(uvec4 a, uvec4 b, int sum)
{
    sum += op_sdot(a.x, b.x, 0);
    sum += op_sdot(a.y, b.y, 0);
    sum += op_sdot(a.z, b.z, 0);
    return sum + op_sdot(a.w, b.w, 0);
}

#endif
