/* Numbers in columns and files are little-endian and stand anywhere. */
#ifndef MIDEN_BYTEORDER_H
#define MIDEN_BYTEORDER_H

#include <string.h>

#include "felt.h"

/* Whether numbers lie in memory as they do in columns. Said, because compilers do not always see that eight bytes put together
 * are one number to be loaded. */
#if defined(_MSC_VER) || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define LITTLE_ENDIAN_HOST 1
#else
#define LITTLE_ENDIAN_HOST 0
#endif

ALWAYS_INLINE uint32_t load_u32(const uint8_t *bytes) {
    uint32_t value = 0;
    if (LITTLE_ENDIAN_HOST) memcpy(&value, bytes, sizeof value);
    else for (int i = 0; i < 4; i++) value |= (uint32_t)bytes[i] << (8 * i);
    return value;
}

ALWAYS_INLINE uint64_t load_u64(const uint8_t *bytes) {
    uint64_t value = 0;
    if (LITTLE_ENDIAN_HOST) memcpy(&value, bytes, sizeof value);
    else for (int i = 0; i < 8; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

ALWAYS_INLINE void store_u64(uint8_t *bytes, uint64_t value) {
    if (LITTLE_ENDIAN_HOST) memcpy(bytes, &value, sizeof value);
    else for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

/* As a whole where that does it: what is copied as a whole later on would wait for stores of eight bytes. */
ALWAYS_INLINE void load_words(uint64_t *words, const uint8_t *bytes, int count) {
    if (LITTLE_ENDIAN_HOST) memcpy(words, bytes, (size_t)count * sizeof *words);
    else for (int i = 0; i < count; i++) words[i] = load_u64(bytes + 8 * i);
}

#endif
