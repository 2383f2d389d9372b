/* The two networks for registers of LANES numbers, kernels.c includes this for each length: a compiler that is given
   longer vectors than the processor has takes them apart in memory, five times slower. TILE blocks of PANEL vectors, or
   STRIP vectors of one, stay in registers; WITH tells what the processor has; NAME makes names of this length's own. */

#define Lanes NAME(Lanes)
#define Bits NAME(Bits)

typedef float Lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t Bits __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

/* In four sums side by side: one would wait for itself. */
WITH static inline float NAME(sum_of)(Lanes values)
{
    float sums[4] = {0};
    for (int lane = 0; lane < LANES; lane++)
        sums[lane % 4] += values[lane];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

WITH static void NAME(write_scores)(const Context *all, const Lanes totals[3], float *scores)
{
    float logits[3];
    for (int k = 0; k < 3; k++)
        logits[k] = all->out_bias[k] + NAME(sum_of)(totals[k]);
    float most = larger(larger(logits[0], logits[1]), logits[2]), sum = 0;
    for (int k = 0; k < 3; k++)
        sum += scores[k] = expf(logits[k] - most);
    for (int k = 0; k < 3; k++)
        scores[k] /= sum;
}

/* Judge TILE blocks of one document together, which then share each load of weights; the last may stand more than
   once. `rows` are theirs in `begun`; `columns` are those near, from the first of the blocks. */
WITH static inline void NAME(judge_tile)(const Context *all, const int64_t rows[TILE], const float *columns,
                                         float *scores)
{
    const float *begun[TILE], *weights[MAX_COLUMNS];
    float values[MAX_COLUMNS][TILE];
    int n_filled = 0;
    Lanes totals[TILE][3] = {{{0}}};
    for (int r = 0; r < TILE; r++)
        begun[r] = all->begun + all->width * rows[r];
    for (int64_t c = 0; c < all->n_columns; c++) { /* a quarter of the columns are zero for all of the blocks */
        uint64_t bits[TILE / 2], any = 0;
        memcpy(bits, columns + c * NEAR, sizeof bits);
        memcpy(values[n_filled], bits, sizeof bits);
        weights[n_filled] = all->weights + c * all->width;
        for (int r = 0; r < TILE / 2; r++)
            any |= bits[r];
        n_filled += (any & NOT_SIGNS) != 0;
    }
    for (int64_t unit = 0; unit < all->width; unit += PANEL * LANES) {
        Lanes sums[TILE][PANEL];
        for (int r = 0; r < TILE; r++)
            for (int k = 0; k < PANEL; k++)
                sums[r][k] = ((const Lanes *)(begun[r] + unit))[k];
        for (int i = 0; i < n_filled; i++)
            for (int r = 0; r < TILE; r++)
                for (int k = 0; k < PANEL; k++)
                    sums[r][k] += ((const Lanes *)(weights[i] + unit))[k] * values[i][r];
        for (int k = 0; k < PANEL; k++)
            for (int r = 0; r < TILE; r++) {
                Lanes active = (Lanes)((Bits)sums[r][k] & (sums[r][k] > 0));
                for (int label = 0; label < 3; label++)
                    totals[r][label] += active * ((const Lanes *)(all->out + label * all->width + unit))[k];
            }
    }
    for (int r = 0; r < TILE; r++)
        NAME(write_scores)(all, totals[r], scores + 3 * r);
}

/* Judge `n` blocks of a document: the first, or those `chosen`. */
WITH static void NAME(judge_blocks)(const Context *all, const int64_t *rows, int64_t first_row, const float *columns,
                                    const int32_t *chosen, int64_t n, float *scores)
{
    for (int64_t begin = 0; begin < n; begin += NEAR) {
        int64_t n_near = n - begin < NEAR ? n - begin : NEAR;
        const float *near = columns + begin * all->n_columns;
        if (chosen) {
            const float *found[NEAR];
            for (int64_t i = 0; i < n_near; i++)
                found[i] = in_tile(all, columns, chosen[begin + i]);
            for (int64_t c = 0; c < all->n_columns; c++)
                for (int64_t i = 0; i < n_near; i++)
                    all->near[c * NEAR + i] = found[i][c * NEAR];
            near = all->near;
        }
        for (int64_t at = 0; at < n_near; at += TILE) {
            int64_t tile_rows[TILE];
            float tile_scores[3 * TILE];
            int64_t n_found = n_near - at < TILE ? n_near - at : TILE;
            for (int r = 0; r < TILE; r++) {
                int64_t i = begin + at + (r < n_found ? r : n_found - 1);
                tile_rows[r] = rows[chosen ? chosen[i] : i] - first_row;
            }
            NAME(judge_tile)(all, tile_rows, near + at, tile_scores);
            memcpy(scores + 3 * (begin + at), tile_scores, 3 * n_found * sizeof *scores);
        }
    }
}

/* Add by how much log(gain / cost) of a block left can have risen at most, now that its columns are new ones.

   A hidden unit changes by no more than what comes into it, so a label's logit gains on the body's, for a rise of a
   column by one, `slopes` (label, 0, column) at most, and for a fall by one (label, 1, column). */
WITH static void NAME(add_rises)(const Context *all, const float *old, const float *new, int64_t begin, int64_t end)
{
    const float *slopes = all->slopes;
    int64_t n = all->n_columns;
    for (int64_t at = begin; at < end; at += LANES) {
        const int32_t *before = all->before + at;
        const float *now = in_tile(all, new, at), *then[LANES];
        int64_t n_lanes = end - at < LANES ? end - at : LANES;
        int together = before[n_lanes - 1] - before[0] == n_lanes - 1 && before[0] % NEAR + LANES <= NEAR;
        Lanes rises[2] = {{0}};
        for (int64_t i = 0; i < n_lanes; i++)
            then[i] = in_tile(all, old, before[i]);
        for (int64_t c = 0; c < n; c++) {
            Lanes first = {0}, change;
            if (together)
                first = *(const Lanes *)(then[0] + c * NEAR);
            else
                for (int64_t i = 0; i < n_lanes; i++)
                    first[i] = then[i][c * NEAR];
            change = *(const Lanes *)(now + c * NEAR) - first;
            Lanes rise = (Lanes)((Bits)change & (change > 0));
            for (int k = 0; k < 2; k++) {
                float up = slopes[2 * k * n + c], down = slopes[(2 * k + 1) * n + c];
                rises[k] += rise * (up + down) - change * down;
            }
        }
        for (int64_t i = 0; i < n_lanes; i++)
            all->rise[at + i] += larger(rises[0][i], rises[1][i]);
    }
}

/* What the features come to in a strip of hidden units. Its sums stay in registers; there are so many of them that no
   product waits for the sum before it. */
WITH static inline void NAME(add_features)(const Sparse *features, const float *weights, int64_t width, float *hidden)
{
    Lanes sums[STRIP];
    for (int k = 0; k < STRIP; k++)
        sums[k] = ((const Lanes *)hidden)[k];
    for (int i = 0; i < features->n; i++) {
        const Lanes *row = (const Lanes *)(weights + features->column[i] * width);
        for (int k = 0; k < STRIP; k++)
            sums[k] += row[k] * features->value[i];
    }
    for (int k = 0; k < STRIP; k++)
        ((Lanes *)hidden)[k] = sums[k];
}

/* Give the reader's logits, and add what they come to in the judge. */
WITH static inline void NAME(end_reading)(const Reading *all, const float *hidden, float *logits, float *begun)
{
    Lanes totals[3] = {{0}};
    for (int64_t h = 0; h < all->n_reader; h += LANES) {
        Lanes sums = *(const Lanes *)(hidden + h), active = (Lanes)((Bits)sums & (sums > 0));
        for (int k = 0; k < 3; k++)
            totals[k] += active * *(const Lanes *)(all->out + k * all->n_reader + h);
    }
    for (int k = 0; k < 3; k++)
        logits[k] = all->out_bias[k] + NAME(sum_of)(totals[k]);
    for (int64_t h = 0; h < all->n_judge; h += LANES) {
        Lanes sums = *(const Lanes *)(hidden + all->n_reader + h);
        for (int k = 0; k < 3; k++)
            sums += logits[k] * *(const Lanes *)(all->of_logits + k * all->n_judge + h);
        *(Lanes *)(begun + h) = sums;
    }
}

/* A strip's weights stay near for as many blocks as are read together. */
WITH static void NAME(read)(const Reading *all, int64_t begin, int64_t end, float *begun)
{
    Sparse features[TOGETHER];
    float hidden[TOGETHER][MAX_COLUMNS];
    int64_t width = all->n_reader + all->n_judge;
    for (int64_t first = begin; first < end; first += TOGETHER) {
        int n = end - first < TOGETHER ? (int)(end - first) : TOGETHER;
        for (int i = 0; i < n; i++) {
            own_features(all, first + i, &features[i]);
            memcpy(hidden[i], all->bias, width * sizeof **hidden);
        }
        for (int64_t at = 0; at < width; at += STRIP * LANES)
            for (int i = 0; i < n; i++)
                NAME(add_features)(&features[i], all->weights + at, width, hidden[i] + at);
        for (int i = 0; i < n; i++, begun += all->n_judge)
            NAME(end_reading)(all, hidden[i], all->logits + 3 * (first + i), begun);
    }
}

static const Loops NAME(loops) = {NAME(read), NAME(judge_blocks), NAME(add_rises)};

#undef Lanes
#undef Bits
#undef LANES
#undef TILE
#undef WITH
#undef NAME
