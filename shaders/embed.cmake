# IN.spv -> OUT: a C array of 32-bit words named SYM.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," words "${hex}")
string(REGEX REPLACE "(0x........,0x........,0x........,0x........,0x........,0x........,)" "\\1\n" words "${words}")
file(WRITE ${OUT} "static const uint32_t ${SYM}[] = {\n${words}};\n")
