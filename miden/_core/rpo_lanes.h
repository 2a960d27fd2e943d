/* The matrix on as many states as a vector has lanes, one element of each in a vector: written once, and included for each
 * kind of vector. No guard: the includer defines V, NAME(x), VECTOR_INLINE and VECTOR_EACH(count) as rpo_columns.h has them, and
 * SPREAD(x), one word in all lanes. */

/* Twelve vectors through the matrix: rpo_matrix_half of rpo.h with a state in each lane. Sums on the way may wrap. */
VECTOR_INLINE void NAME(lanes_matrix)(const V in[12], V out[12]) {
    V sum[6], diff[6], even[3], odd[3];
    VECTOR_EACH(6) {
        sum[i] = in[i] + in[i + 6];
        diff[i] = in[i] - in[i + 6];
    }
    VECTOR_EACH(3) {
        even[i] = sum[i] + sum[i + 3];
        odd[i] = sum[i] - sum[i + 3];
    }
    V total = (even[0] + even[1] + even[2]) << 4;
    V cube_minus[3] = {total - (even[2] << 3), total - (even[0] << 3), total - (even[1] << 3)};
    V cube_plus[3] = {
        SPREAD(0) - (odd[0] << 3) - (odd[1] + odd[2]),
        odd[0] - (odd[1] << 3) - odd[2],
        odd[0] + odd[1] - (odd[2] << 3),
    };
    V six_plus[6] = {
        (diff[1] << 3) + (diff[3] << 1) + diff[2] + diff[5] - diff[0] - (diff[4] << 2),
        (diff[2] << 3) + (diff[4] << 1) + diff[3] - diff[0] - diff[1] - (diff[5] << 2),
        (diff[3] << 3) + (diff[0] << 2) + (diff[5] << 1) + diff[4] - diff[1] - diff[2],
        (diff[4] << 3) + (diff[1] << 2) + diff[5] - (diff[0] << 1) - diff[2] - diff[3],
        (diff[5] << 3) + (diff[2] << 2) - diff[0] - (diff[1] << 1) - diff[3] - diff[4],
        (diff[3] << 2) - (diff[0] << 3) - diff[1] - (diff[2] << 1) - diff[4] - diff[5],
    };
    VECTOR_EACH(3) {
        V first = cube_minus[i] + cube_plus[i], second = cube_minus[i] - cube_plus[i];
        out[i] = first + six_plus[i];
        out[i + 6] = first - six_plus[i];
        out[i + 3] = second + six_plus[i + 3];
        out[i + 9] = second - six_plus[i + 3];
    }
}
