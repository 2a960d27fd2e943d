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
 * multiplied beside the chain: 72 products, 68 of them one after another.
 *
 * The way there is a table, so that all of it is one loop with one square and one product in it: written out, it leaves the cache
 * for decoded instructions, which costs a tenth. */
#ifndef RPO_CHAIN
#define RPO_CHAIN
/* Square so many times, multiply by what is kept in a slot, and keep the product in a slot; go on with it, unless it is kept aside. */
typedef struct {
    int squares, factor, kept, aside;
} ChainStepC;

#define CHAIN_SLOTS 4
static const ChainStepC CHAIN_STEPS[] = {
    {3, 0, 1, 0},  /* 100 twice; slot 0 has x^4, slot 2 has x^7 */
    {6, 1, 0, 0},  /* four times */
    {12, 0, 3, 0}, /* eight times */
    {6, 1, 3, 0},  /* ten times: T */
    {2, 2, 2, 1},  /* 4T + 7 */
    {1, 2, 2, 1},  /* 12T + 7 */
    {31, 2, 3, 0},
};
#define CHAIN_LENGTH (int)(sizeof CHAIN_STEPS / sizeof CHAIN_STEPS[0])
#endif

#define FE_ROOT7(name, square)                                                                               \
    VECTOR_INLINE void NAME(name)(NAME(fe) *x, const int count) {                                            \
        NAME(fe) t[CHAINS], slots[CHAIN_SLOTS][CHAINS];                                                      \
        VECTOR_EACH(count) {                                                                                 \
            NAME(fe) x2 = square(x[i]);                                                                      \
            t[i] = slots[0][i] = square(x2);                                                                 \
            slots[2][i] = NAME(fe_mul)(NAME(fe_mul)(x2, t[i]), x[i]);                                        \
        }                                                                                                    \
        VECTOR_LOOP for (int step = 0; step < CHAIN_LENGTH; step++) {                                        \
            const ChainStepC chain = CHAIN_STEPS[step];                                                      \
            VECTOR_LOOP for (int n = 0; n < chain.squares; n++) VECTOR_EACH(count) t[i] = square(t[i]);      \
            VECTOR_EACH(count) {                                                                             \
                NAME(fe) product = NAME(fe_mul)(t[i], slots[chain.factor][i]);                               \
                slots[chain.kept][i] = product;                                                              \
                if (!chain.aside) t[i] = product;                                                            \
            }                                                                                                \
        }                                                                                                    \
        VECTOR_EACH(count) x[i] = t[i];                                                                      \
    }
FE_ROOT7(fe_root7, NAME(fe_square))
FE_ROOT7(fe_root7_dense, NAME(fe_square_dense))
#undef FE_ROOT7
