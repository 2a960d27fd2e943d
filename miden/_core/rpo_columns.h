/* The matrix on a state in vectors of four lanes, or on as many states as there are groups of four: written once, and
 * included for each kind of vector. No guard: the includer defines
 *     V             vector of 64-bit words
 *     NAME(x)       x with the suffix of the kind
 *     VECTOR_INLINE, VECTOR_EACH(count)    how a function that may use them is declared, a loop over i that is unrolled
 *     ROTATE(x, n)  in each group of four lanes, lane l takes lane l - n (mod 4); n is 1, 2 or 3
 *     BLEND(mask, x, y)    lane l from y if bit l mod 4 of the mask is set, else from x
 */

/* One state in each group of four lanes, in three vectors: element i of the state in vector i mod 3, lane i mod 4.
 *
 * In this order the cyclic convolution of length 12 that is the matrix (rpo.h) becomes one of 3 vectors by 4 lanes.
 * Its kernel, vector by vector, is 7 26 9 22 | 6 8 8 10 | 13 7 21 23. Along the lanes, x^4 - 1 = (x - 1)(x + 1)(x^2 + 1)
 * turns it into powers of two again, the factors 1/4 and 1/2 of the way back included:
 *     mod x - 1: 16 8 16     mod x + 1: -8 -1 1     mod x^2 + 1: -1 -1 -4 and 2 -1 -8 (times x)
 * Both parts of an element are multiplied as they are, `low` cleared to 52 bits: rows add up to 160, so the results
 * are below 160 * 2^52 and 160 * HIGH_MAX < 2^30. Sums on the way may wrap; the results do not. */
VECTOR_INLINE void NAME(columns_matrix)(const V in[3], V out[3]) {
    V total[3], alternating[3], even[3], odd[3], mixed[3];
    VECTOR_EACH(3) {
        V one = ROTATE(in[i], 1), two = ROTATE(in[i], 2), three = ROTATE(in[i], 3);
        V sum_even = in[i] + two, sum_odd = one + three;
        even[i] = in[i] - two;
        odd[i] = one - three;
        total[i] = sum_even + sum_odd;
        alternating[i] = sum_even - sum_odd;
        mixed[i] = alternating[i] + (even[i] + odd[i]);
    }
    V all = (total[0] + total[1] + total[2]) << 4;
    VECTOR_EACH(3) {
        const int before = (i + 2) % 3, after = (i + 1) % 3; /* one and two places back in the convolution */
        V eights = (all - mixed[before]) - ((total[before] + alternating[i] + odd[after]) << 3);
        out[i] = eights + ((odd[i] - (even[after] << 1)) << 1) + (alternating[after] - even[i]);
    }
}

/* Twelve words of each group to columns and back. The word 4 j + l belongs to vector (j + l) mod 3, lane l. */
VECTOR_INLINE void NAME(columns_from_rows)(const V rows[3], V columns[3]) {
    VECTOR_EACH(3) columns[i] = BLEND(4, BLEND(2, rows[i], rows[(i + 2) % 3]), rows[(i + 1) % 3]);
}

VECTOR_INLINE void NAME(rows_from_columns)(const V columns[3], V rows[3]) {
    VECTOR_EACH(3) rows[i] = BLEND(4, BLEND(2, columns[i], columns[(i + 1) % 3]), columns[(i + 2) % 3]);
}
