/* The S-boxes as chains of squares and products, on any type that has them, included once for each type. NAME(fe) is the
 * type; NAME(fe_square), NAME(fe_square_dense) and NAME(fe_mul) work on it. CHAINS are the most that go side by side. */

/* x^7 of `count` vectors side by side. */
VECTOR_INLINE void NAME(fe_power7)(NAME(fe) *x, const int count) {
    VECTOR_EACH(count) {
        NAME(fe) x2 = NAME(fe_square)(x[i]), x3 = NAME(fe_mul)(x2, x[i]), x4 = NAME(fe_square)(x2);
        x[i] = NAME(fe_mul)(x3, x4);
    }
}

/* The x^(1/7) of `count` vectors side by side; the exponent is 10540996611094048183 = T * (2^34 + 2^3 + 2^2) + 7 with
 * T = 100 ten times in binary. T takes 33 steps; its powers 2^2 and 2^3 lie on the way to 2^34, so they and x^7 are
 * multiplied beside the chain: 72 products, 68 of them one after another. */
#define FE_ROOT7(name, square)                                                                             \
    VECTOR_INLINE void NAME(name)(NAME(fe) *x, const int count) {                                            \
        NAME(fe) t[CHAINS], x4[CHAINS], x36[CHAINS], rest[CHAINS];                         \
        VECTOR_EACH(count) {                                                                                 \
            NAME(fe) x2 = square(x[i]);                                                                    \
            t[i] = x4[i] = square(x2);                                                                     \
            rest[i] = NAME(fe_mul)(NAME(fe_mul)(x2, x4[i]), x[i]);                                         \
        }                                                                                                  \
        for (int n = 0; n < 3; n++) VECTOR_EACH(count) t[i] = square(t[i]);                                  \
        VECTOR_EACH(count) t[i] = x36[i] = NAME(fe_mul)(t[i], x4[i]); /* 100 twice */                        \
        for (int n = 0; n < 6; n++) VECTOR_EACH(count) t[i] = square(t[i]);                                  \
        VECTOR_EACH(count) t[i] = x4[i] = NAME(fe_mul)(t[i], x36[i]); /* four times */                       \
        for (int n = 0; n < 12; n++) VECTOR_EACH(count) t[i] = square(t[i]);                                 \
        VECTOR_EACH(count) t[i] = NAME(fe_mul)(t[i], x4[i]); /* eight times */                               \
        for (int n = 0; n < 6; n++) VECTOR_EACH(count) t[i] = square(t[i]);                                  \
        VECTOR_EACH(count) t[i] = NAME(fe_mul)(t[i], x36[i]); /* ten times */                                \
        for (int n = 0; n < 2; n++) VECTOR_EACH(count) t[i] = square(t[i]);                                  \
        VECTOR_EACH(count) rest[i] = NAME(fe_mul)(rest[i], t[i]);                                            \
        VECTOR_EACH(count) t[i] = square(t[i]);                                                              \
        VECTOR_EACH(count) rest[i] = NAME(fe_mul)(rest[i], t[i]);                                            \
        for (int n = 0; n < 31; n++) VECTOR_EACH(count) t[i] = square(t[i]);                                 \
        VECTOR_EACH(count) x[i] = NAME(fe_mul)(t[i], rest[i]);                                               \
    }
FE_ROOT7(fe_root7, NAME(fe_square))
FE_ROOT7(fe_root7_dense, NAME(fe_square_dense))
#undef FE_ROOT7
