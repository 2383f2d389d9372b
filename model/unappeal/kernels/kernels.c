/* The loops that cost most: `_lines` of blocks.py, `extract` of evidence.py, `block_columns` with the reader and
   `context_columns` with the judge of context.py, `settle` of settle.py.

   The NumPy code there is the definition and stays in use wherever this file is not compiled; tests hold the two
   together. No Python in here: plain arrays in, plain arrays out, no memory kept, so that one library serves every
   release of Python. Names are those of the NumPy code. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { HEAD = 224, TAIL = 96, WINDOW = HEAD + 1 + TAIL + 1 };
enum { STEM = 6, NGRAM = 4, MAX_WORD = 24, LEAD = 6, TERM = 5, LONGEST_STAR = 9, MAX_HITS = 8 * WINDOW };
enum { FIRST_SPACELESS = 0x0E00, SPACE = 0x20, N_SHAPES = 14 };

/* Sums are fused where the processor can; not here, where NumPy's last bit matters. */
#if defined(__GNUC__) && !defined(__clang__)
#define UNFUSED __attribute__((optimize("fp-contract=off")))
#else
#define UNFUSED
#endif

/* fmaxf and fminf are calls, for the sake of NaN, which is not met here. */
static inline float larger(float one, float other)
{
    return one > other ? one : other;
}

static inline float smaller(float one, float other)
{
    return one < other ? one : other;
}

#ifndef MOST_LANES /* tests compile for shorter registers too */
#define MOST_LANES 16
#endif

/* What reads units is compiled a second time, for processors of the last ten years; not with fused sums, so that these
   keep their last bit. INLINE is for its parts, which then exist in both. */
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__)
#define NEWER __attribute__((target("avx2,bmi,bmi2,popcnt")))
static int is_newer(void)
{
    return MOST_LANES >= 8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")
        && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}
#else
#define NEWER
static int is_newer(void)
{
    return 0;
}
#endif

#define TINY 1e-7f
#define SURE_STORY 0.7f
#define LESS_APPEAL 0.36787945f
#define SURE_APPEAL 0.6f
#define LESS_STORY 0.60653067f
#define MOST_AGREED 0.51f /* a little more than -log(LESS_STORY): what blocks beside may add to log(gain / cost) */
#define UPPER (1u << 16)
#define MIX 0xD6E8FEB86659FD93u
#define PAIR 0xA0761D6478BD642Fu
#define LANGUAGE 0x8EBC6AF09C88C6E3u

typedef struct {
    uint64_t word, inside, prefix, suffix, pair, spaceless, exact, star;
} Seeds;

typedef struct {
    uint64_t hash;
    int32_t sums[4];
    uint32_t concepts, known;
} Record;

/* What does not change from batch to batch. */
typedef struct {
    const uint32_t *packed;       /* (65536,) CharTables.packed */
    const uint8_t *spaceless;     /* (65536,) */
    const uint8_t *edge;          /* (65536,) */
    const uint64_t *counters;     /* (n_counters, 2) */
    const int16_t *slots;         /* (2**slot_bits, 4), the last a concept, then its language */
    int64_t slot_bits;
    const uint32_t *cue_keys;     /* (n_cue_keys,): the lowest bits of the keys, these sorted */
    const int32_t *entry_first;   /* (n_cue_keys + 1,): where what the languages mean by each begins */
    const uint8_t *entries;       /* (n, 3): language, concepts */
    const int32_t *cue_first;     /* (2**16 + 1,): where keys of the same highest bits begin */
    const uint8_t *may_be_cue;    /* (2**may_be_bits,) bits, lowest first */
    int64_t may_be_bits;
    const int64_t *cue_worth;     /* (n_cue_features,) packed sums */
    int64_t n_concepts;
    int64_t silent;               /* the concept left out of the order, or -1 */
    const uint64_t *power;        /* (WINDOW + 1,) B**i */
    const uint64_t *inverse;      /* (WINDOW + 1,) B**-i */
    const Seeds *seeds;
    Record *memo;                 /* (2**memo_bits,), on a line of the cache */
    int64_t memo_bits;
} Model;

/* One row a block. */
typedef struct {
    int64_t *sums;      /* (n, 4) */
    int64_t *words, *known;
    int16_t *cues;      /* (n, n_concepts), zeros */
    int64_t *cue_sums;  /* (n, 2) */
    int64_t *cue_words;
    int16_t *shape;     /* (n, N_SHAPES) */
    int64_t *titled;
    uint8_t *first_edge, *last_edge;
    uint64_t *key, *lead;
    uint64_t *term_hash;
    int64_t *term_first; /* (n + 1,) */
} Evidence;

typedef struct {
    int start, end;
    uint64_t hash, pair; /* pair: mixed key of the word before and this one */
    Record *records; /* two, where the word may be remembered: one line of the cache */
} Word;

/* One block being read. */
typedef struct {
    const Model *model;
    uint16_t unit[WINDOW], folded[WINDOW + 64];
    uint64_t prefix[WINDOW + 1];
    int length;
    uint64_t is_word[WINDOW / 64 + 1];
    int any_spaceless;
    Word words[WINDOW / 2 + 1];
    int n_words;
    int language;
    uint64_t in_language; /* makes a word's hash its language's own */
    int64_t sums[4];
    int32_t hits[MAX_HITS + 1]; /* place << 8 | concept */
    int n_hits;
} Block;

INLINE uint64_t piece(const Block *block, int start, int end)
{
    return (block->prefix[end] - block->prefix[start]) * block->model->inverse[start];
}

INLINE int16_t tag_of(const Model *model, uint64_t mixed)
{
    return (int16_t)(((mixed >> (64 - model->slot_bits - 15)) & 0x7FFF) | 1);
}

static const int16_t *slot(const Model *model, uint64_t key)
{
    uint64_t mixed = key * MIX;
    const int16_t *row = model->slots + 4 * (mixed >> (64 - model->slot_bits));
    return row[0] == tag_of(model, mixed) ? row : 0;
}

/* The concept of a slot's cue, 0 where it is another language's: see LANGUAGE_SHIFT. */
INLINE int own_concept(const Block *block, int cue)
{
    int of = cue >> 6;
    return cue & 63 & -(of == 0 || of == block->language);
}

/* Note a cue, unless it is none; gives how many there are then. */
INLINE int hit(int32_t *hits, int n_hits, int place, int concept_number)
{
    hits[n_hits] = (place << 8) | (concept_number - 1);
    return n_hits + (concept_number != 0);
}

INLINE void add_weights(int64_t *sums, const int16_t *row)
{
    for (int k = 0; k < 2; k++) {
        sums[k] += row[1 + k];
        sums[2 + k] += row[1 + k] > 0 ? row[1 + k] : 0;
    }
}

/* Tell whether there may be a cue of a key of 64 bits. */
INLINE int may_be_cue(const Model *model, uint64_t key)
{
    uint64_t bit = key >> (64 - model->may_be_bits);
    return model->may_be_cue[bit / 8] >> bit % 8 & 1;
}

/* Find a cue by its key, of which the lowest 16 bits are not kept; -1 where there is none. */
INLINE int32_t cue_at(const Model *model, uint64_t key)
{
    if (!may_be_cue(model, key))
        return -1;
    uint32_t low = (uint32_t)(key >> 16);
    int32_t at = model->cue_first[key >> 48], end = model->cue_first[(key >> 48) + 1];
    while (at < end && model->cue_keys[at] != low)
        at++;
    return at < end ? at : -1;
}

/* Add what a key means in a language. */
static void add_concepts(const Model *model, uint64_t key, int language, uint32_t found[2])
{
    int32_t at = cue_at(model, key);
    if (at < 0)
        return;
    for (int32_t entry = model->entry_first[at]; entry < model->entry_first[at + 1]; entry++)
        if (model->entries[3 * entry] == language)
            for (int k = 1; k <= 2; k++) {
                uint32_t concept_number = model->entries[3 * entry + k];
                if (concept_number && found[0] != concept_number && !found[1])
                    found[found[0] != 0] = concept_number;
            }
}

/* Add a part's weights, zeros where it has none: whether it has some nobody can guess. */
UNFUSED INLINE void add_part(const Model *model, uint64_t key, double value, double totals[4])
{
    uint64_t mixed = key * MIX;
    const int16_t *row = model->slots + 4 * (mixed >> (64 - model->slot_bits));
    int32_t found = -(row[0] == tag_of(model, mixed)); /* all bits or none */
    for (int k = 0; k < 2; k++) {
        double part = (row[1 + k] & found) * value;
        totals[k] += part;
        totals[2 + k] += part > 0 ? part : 0;
    }
}

/* See word_records. What all parts look up is asked for first: the tables are larger than the nearest caches. */
UNFUSED static void read_word(const Block *block, int start, int end, uint64_t hash, Record *record)
{
    const Model *model = block->model;
    const Seeds *seeds = model->seeds;
    int length = end - start, cut = end < start + MAX_WORD ? end : start + MAX_WORD;
    int n_parts = 0, n_cues = 0;
    uint64_t parts[MAX_WORD + 3], cues[LONGEST_STAR];
    if (length > 3)
        parts[n_parts++] = piece(block, start, start + 3) ^ seeds->prefix;
    if (length > 5)
        parts[n_parts++] = piece(block, start, start + 5) ^ seeds->prefix;
    if (length > 3)
        parts[n_parts++] = piece(block, end - 3, end) ^ seeds->suffix;
    for (int i = start; length > NGRAM && i <= cut - NGRAM; i++)
        parts[n_parts++] = piece(block, i, i + NGRAM) ^ seeds->inside;
    for (int i = 0; i < n_parts; i++)
        __builtin_prefetch(model->slots + 4 * (parts[i] * MIX >> (64 - model->slot_bits)));
    cues[0] = (hash ^ seeds->exact) * MIX; /* there is room for one that is none */
    n_cues = may_be_cue(model, cues[0]);
    for (int n = length < LONGEST_STAR ? length : LONGEST_STAR; n >= 2; n--) {
        cues[n_cues] = (piece(block, start, start + n) ^ seeds->star) * MIX + (uint64_t)n;
        n_cues += may_be_cue(model, cues[n_cues]);
    }
    for (int i = 0; i < n_cues; i++)
        __builtin_prefetch(model->cue_first + (cues[i] >> 48));
    double value = n_parts ? 1 / sqrt((double)n_parts) : 0, totals[4] = {0, 0, 0, 0};
    record->hash = hash ^ block->in_language;
    record->known = slot(model, hash ^ seeds->word) != 0;
    add_part(model, hash ^ seeds->word, 1, totals);
    for (int i = 0; i < n_parts; i++)
        add_part(model, parts[i], value, totals);
    for (int k = 0; k < 4; k++)
        record->sums[k] = (int32_t)rint(totals[k]);
    uint32_t found[2] = {0, 0};
    for (int i = 0; i < n_cues; i++)
        __builtin_prefetch(model->cue_keys + model->cue_first[cues[i] >> 48]);
    for (int i = 0; i < n_cues; i++)
        add_concepts(model, cues[i], block->language, found);
    record->concepts = found[0] | found[1] << 8;
}

/* The lowest bit of each of 64 numbers, side by side. */
INLINE uint64_t lowest_bits(const uint8_t numbers[64])
{
    uint64_t bits = 0, eight;
    for (int byte = 0; byte < 8; byte++) {
        memcpy(&eight, numbers + 8 * byte, sizeof eight);
        bits |= (eight * 0x0102040810204080u >> 56) << 8 * byte;
    }
    return bits;
}

INLINE int is_spaceless(const Block *block, int i)
{
    uint16_t folded = block->folded[i];
    return folded >= FIRST_SPACELESS && block->model->spaceless[folded];
}

/* Fill the window, its prefix hashes and the bits of its words; give the counters of both tables. */
INLINE void open_block(Block *block, const uint16_t *units, int64_t length, uint64_t counted[2])
{
    const Model *model = block->model;
    if (length > HEAD + 1 + TAIL) {
        memcpy(block->unit, units, HEAD * sizeof *units);
        block->unit[HEAD] = SPACE;
        memcpy(block->unit + HEAD + 1, units + length - TAIL, TAIL * sizeof *units);
        length = HEAD + 1 + TAIL;
    } else
        memcpy(block->unit, units, length * sizeof *units);
    block->unit[length] = SPACE;
    block->length = (int)length + 1;
    block->n_hits = 0;
    memset(block->sums, 0, sizeof block->sums);
    uint64_t total = 0, one = 0, two = 0;
    uint16_t highest = 0;
    block->prefix[0] = 0;
    for (int i = 0; i < block->length; i++) {
        uint32_t packed = model->packed[block->unit[i]];
        uint16_t folded = (uint16_t)packed;
        block->folded[i] = folded;
        total += ((uint64_t)folded + 1) * model->power[i];
        block->prefix[i + 1] = total;
        const uint64_t *counters = model->counters + 2 * (packed >> 17);
        one += counters[0]; /* row 0 is zero: adding it is cheaper than asking */
        two += counters[1];
    }
    for (int begin = 0; begin < block->length; begin += 64) {
        const uint16_t *folded = block->folded + begin;
        uint8_t flags[64];
        for (int k = 0; k < 64; k++) { /* beyond the end stands what earlier blocks left */
            flags[k] = folded[k] != 0;
            highest = folded[k] > highest ? folded[k] : highest;
        }
        block->is_word[begin / 64] = lowest_bits(flags);
    }
    int n_last = block->length % 64;
    block->is_word[(block->length - 1) / 64] &= n_last ? (1ull << n_last) - 1 : ~0ull;
    block->any_spaceless = 0;
    if (highest >= FIRST_SPACELESS)
        for (int i = 0; i < block->length; i++)
            if (is_spaceless(block, i)) {
                block->any_spaceless = 1;
                block->is_word[i / 64] &= ~(1ull << (i % 64));
            }
    counted[0] = one;
    counted[1] = two;
}

/* Find the words, and ask for what will be looked up: the tables are larger than the nearest caches. The loops of this
   and the next function ask as few questions as they can, whose answers nobody can guess. */
INLINE void find_words(Block *block)
{
    const Model *model = block->model;
    int16_t edges[WINDOW + 1];
    int n_edges = 0;
    uint64_t carry = 0;
    for (int begin = 0; begin < block->length; begin += 64) {
        uint64_t bits = block->is_word[begin / 64], changes = bits ^ (bits << 1 | carry);
        carry = bits >> 63;
        for (; changes; changes &= changes - 1)
            edges[n_edges++] = (int16_t)(begin + __builtin_ctzll(changes));
    }
    uint64_t stem_before = 0;
    block->n_words = n_edges / 2; /* the last unit is a space */
    for (int w = 0; w < block->n_words; w++) {
        Word *word = block->words + w;
        int start = edges[2 * w], end = edges[2 * w + 1];
        word->start = start;
        word->end = end;
        word->hash = piece(block, start, end);
        word->records = model->memo + ((((word->hash ^ block->in_language) * MIX) >> (64 - model->memo_bits)) & ~1ull);
        __builtin_prefetch(word->records);
        uint64_t stem = piece(block, start, end < start + STEM ? end : start + STEM);
        word->pair = ((stem_before * PAIR + stem) ^ model->seeds->pair) * MIX;
        __builtin_prefetch(model->slots + 4 * (word->pair >> (64 - model->slot_bits)));
        stem_before = stem;
    }
}

/* Add up what the words and their pairs bring; gives the number of terms. */
INLINE int64_t read_words(Block *block, Evidence *evidence, int64_t b, int64_t n_terms)
{
    const Model *model = block->model;
    int64_t known = 0, titled = 0, sums[4] = {0}; /* here: through pointers each sum would wait for the last store */
    int n_hits = block->n_hits;
    for (int w = 0; w < block->n_words; w++) {
        const Word *word = block->words + w;
        uint64_t own_hash = word->hash ^ block->in_language;
        Record *record = word->records + (word->records[0].hash != own_hash);
        if (record->hash != own_hash) {
            *record = word->records[0]; /* the older of the two is forgotten */
            record = word->records;
            read_word(block, word->start, word->end, word->hash, record);
        }
        for (int k = 0; k < 4; k++)
            sums[k] += record->sums[k];
        known += record->known;
        titled += (model->packed[block->unit[word->start]] & UPPER) != 0;
        const int16_t *row = model->slots + 4 * (word->pair >> (64 - model->slot_bits));
        int32_t found = -(w && row[0] == tag_of(model, word->pair)); /* all bits or none */
        for (int k = 0; k < 2; k++) {
            int32_t weight = row[1 + k] & found;
            sums[k] += weight;
            sums[2 + k] += weight > 0 ? weight : 0;
        }
        n_hits = hit(block->hits, n_hits, word[-(w > 0)].start, own_concept(block, row[3] & found));
        n_hits = hit(block->hits, n_hits, word->start, record->concepts & 0xFF);
        n_hits = hit(block->hits, n_hits, word->start, record->concepts >> 8);
        evidence->term_hash[n_terms] = word->hash;
        n_terms += word->end - word->start >= TERM;
    }
    memcpy(block->sums, sums, sizeof sums);
    block->n_hits = n_hits;
    evidence->words[b] = block->n_words;
    evidence->known[b] = known;
    evidence->titled[b] = titled;
    return n_terms;
}

INLINE int64_t read_spaceless(Block *block, Evidence *evidence, int64_t b, int64_t n_terms)
{
    const Model *model = block->model;
    for (int i = 0; i < block->length; i++) {
        int start = i;
        while (is_spaceless(block, i))
            i++;
        for (int length = 2; length <= 6; length++)
            for (int at = start; at + length <= i; at++) {
                uint64_t key = piece(block, at, at + length) ^ (model->seeds->spaceless + (uint64_t)length);
                const int16_t *row = slot(model, key);
                if (row) {
                    block->n_hits = hit(block->hits, block->n_hits, at, own_concept(block, row[3]));
                    if (length <= 4)
                        add_weights(block->sums, row);
                }
                if (length == 2) {
                    evidence->words[b]++;
                    evidence->known[b] += row && (row[1] || row[2]);
                    evidence->term_hash[n_terms++] = key;
                }
            }
    }
    return n_terms;
}

/* Count the cues and sum what their order is worth: see cue_features. */
INLINE void count_cues(Block *block, Evidence *evidence, int64_t b)
{
    const Model *model = block->model;
    int16_t *cues = evidence->cues + b * model->n_concepts;
    int n_told = 0;
    int64_t worth = 0;
    for (int i = 1; i < block->n_hits; i++) { /* they come nearly in order */
        int32_t moved = block->hits[i];
        int j = i;
        for (; j > 0 && block->hits[j - 1] > moved; j--)
            block->hits[j] = block->hits[j - 1];
        block->hits[j] = moved;
    }
    for (int i = 0; i < block->n_hits; i++) {
        int64_t concept_number = block->hits[i] & 0xFF;
        cues[concept_number]++;
        if (concept_number == model->silent)
            continue;
        worth += model->cue_worth[concept_number];
        for (int step = 1; step <= 2 && step <= n_told; step++) {
            int32_t earlier = block->hits[n_told - step], distance = (block->hits[i] >> 8) - (earlier >> 8);
            if (distance < 120) {
                int64_t pair = (earlier & 0xFF) * model->n_concepts + concept_number;
                worth += model->cue_worth[model->n_concepts + 3 * pair + (distance >= 14) + (distance >= 36)];
            }
        }
        block->hits[n_told++] = block->hits[i];
    }
    int64_t noise = (int32_t)worth;
    evidence->cue_sums[2 * b] = noise;
    evidence->cue_sums[2 * b + 1] = (worth - noise) >> 32;
    evidence->cue_words[b] = n_told;
}

INLINE int64_t read_units(const Model *model, const uint16_t *units, const int64_t *start, const int64_t *end,
                          const uint8_t *language, int64_t n, Evidence *evidence)
{
    Block blocks[2]; /* while one is read, what the next looks up is on its way */
    int64_t n_terms = 0;
    for (int k = 0; k < 2; k++) {
        blocks[k].model = model;
        memset(blocks[k].folded, 0, sizeof blocks[k].folded);
    }
    for (int64_t next = 0; next <= n; next++) {
        if (next < n) {
            uint64_t counted[2];
            blocks[next & 1].language = language[next];
            blocks[next & 1].in_language = language[next] * LANGUAGE;
            open_block(&blocks[next & 1], units + start[next], end[next] - start[next], counted);
            find_words(&blocks[next & 1]);
            for (int k = 0; k < N_SHAPES; k++)
                evidence->shape[N_SHAPES * next + k] = (counted[k / 7] >> (9 * (k % 7))) & 0x1FF;
        }
        int64_t b = next - 1;
        if (b < 0)
            continue;
        Block *block = &blocks[b & 1];
        evidence->term_first[b] = n_terms;
        n_terms = read_words(block, evidence, b, n_terms);
        if (block->any_spaceless)
            n_terms = read_spaceless(block, evidence, b, n_terms);
        count_cues(block, evidence, b);
        memcpy(evidence->sums + 4 * b, block->sums, sizeof block->sums);
        int last = block->length >= 2 ? block->length - 2 : 0;
        evidence->first_edge[b] = model->edge[block->unit[0]];
        evidence->last_edge[b] = model->edge[block->unit[last]];
        evidence->key[b] = block->prefix[block->length];
        evidence->lead[b] = block->prefix[block->length < LEAD ? block->length : LEAD];
    }
    evidence->term_first[n] = n_terms;
    return n_terms;
}

NEWER static int64_t read_units_newer(const Model *model, const uint16_t *units, const int64_t *start,
                                      const int64_t *end, const uint8_t *language, int64_t n, Evidence *evidence)
{
    return read_units(model, units, start, end, language, n, evidence);
}

/* Read n blocks of a buffer, each with the number of its document's language; gives the number of terms. */
int64_t extract(const Model *model, const uint16_t *units, const int64_t *start, const int64_t *end,
                const uint8_t *language, int64_t n, Evidence *evidence)
{
    return (is_newer() ? read_units_newer : read_units)(model, units, start, end, language, n, evidence);
}

/* Language: what `languages` of evidence.py tells. */

enum { SAMPLE_BLOCK = 160, FIRST_SAMPLE = 240, SAMPLE = 800, SAMPLED_FIRST = 60, VOTE = 5040, FEW_VOTES = 4 * VOTE,
       CLEAR_LEAD = 2 };

INLINE void add_votes(const Model *model, uint64_t key, int64_t *votes)
{
    int32_t at = cue_at(model, key);
    if (at < 0)
        return;
    int32_t begin = model->entry_first[at], end = model->entry_first[at + 1];
    for (int32_t entry = begin; entry < end; entry++)
        votes[model->entries[3 * entry] - 1] += VOTE / (end - begin);
}

/* Add the votes of a block's words; what all of them will look up is asked for first. */
INLINE void ask_words(const Block *block, int64_t *votes)
{
    const Model *model = block->model;
    uint64_t keys[WINDOW / 2 + 1];
    for (int w = 0; w < block->n_words; w++) {
        keys[w] = (block->words[w].hash ^ model->seeds->exact) * MIX;
        __builtin_prefetch(model->cue_first + (keys[w] >> 48));
    }
    for (int w = 0; w < block->n_words; w++)
        __builtin_prefetch(model->cue_keys + model->cue_first[keys[w] >> 48]);
    for (int w = 0; w < block->n_words; w++)
        add_votes(model, keys[w], votes);
}

INLINE void ask_beginnings(const Block *block, int64_t *votes)
{
    for (int w = 0; w < block->n_words; w++) {
        int start = block->words[w].start, length = block->words[w].end - start;
        for (int n = 2; n <= LONGEST_STAR && n <= length; n++)
            add_votes(block->model, (piece(block, start, start + n) ^ block->model->seeds->star) * MIX + (uint64_t)n, votes);
    }
}

INLINE void ask_spaceless(const Block *block, int64_t *votes)
{
    for (int i = 0; i < block->length; i++) {
        int start = i;
        while (is_spaceless(block, i))
            i++;
        for (int length = 2; length <= 6; length++)
            for (int at = start; at + length <= i; at++) {
                uint64_t key = piece(block, at, at + length) ^ (block->model->seeds->spaceless + (uint64_t)length);
                const int16_t *row = slot(block->model, key);
                if (row && row[3] >> 6)
                    votes[(row[3] >> 6) - 1] += VOTE;
            }
    }
}

static int64_t sampled(int64_t length, int has_long)
{
    return length < SAMPLED_FIRST && has_long ? 0 : length < SAMPLE_BLOCK ? length : SAMPLE_BLOCK;
}

/* Tell the language of n_docs documents, whose blocks `first` bounds; `votes` (n_languages,) is working memory. */
INLINE void tell_all(const Model *model, const uint16_t *units, const int64_t *start, const int64_t *end,
                     const int64_t *first, int64_t n_docs, int64_t *votes, int64_t n_languages, uint8_t *language)
{
    Block block = {.model = model};
    for (int64_t d = 0; d < n_docs; d++) {
        int has_long = 0, clear = 0;
        for (int64_t b = first[d]; b < first[d + 1]; b++)
            has_long |= end[b] - start[b] >= SAMPLED_FIRST;
        for (int round = 0; round < 3 && !clear; round++) { /* a little, more, beginnings of words too */
            int64_t taken = 0, most = 0, second = 0;
            if (round < 2)
                memset(votes, 0, n_languages * sizeof *votes);
            for (int64_t b = first[d]; b < first[d + 1] && taken < (round ? SAMPLE : FIRST_SAMPLE); b++) {
                int64_t length = sampled(end[b] - start[b], has_long);
                uint64_t counted[2];
                if (!length)
                    continue;
                taken += length;
                open_block(&block, units + start[b], length, counted);
                find_words(&block);
                if (round == 2)
                    ask_beginnings(&block, votes);
                else
                    ask_words(&block, votes);
                if (block.any_spaceless && round < 2)
                    ask_spaceless(&block, votes);
            }
            language[d] = 0;
            for (int64_t k = 0; k < n_languages; k++)
                if (votes[k] > most) {
                    second = most;
                    most = votes[k];
                    language[d] = (uint8_t)(k + 1);
                } else if (votes[k] > second)
                    second = votes[k];
            clear = most > FEW_VOTES && (round || most >= CLEAR_LEAD * second);
        }
    }
}

NEWER static void tell_all_newer(const Model *model, const uint16_t *units, const int64_t *start, const int64_t *end,
                                 const int64_t *first, int64_t n_docs, int64_t *votes, int64_t n_languages,
                                 uint8_t *language)
{
    tell_all(model, units, start, end, first, n_docs, votes, n_languages, language);
}

void languages(const Model *model, const uint16_t *units, const int64_t *start, const int64_t *end,
               const int64_t *first, int64_t n_docs, int64_t *votes, int64_t n_languages, uint8_t *language)
{
    (is_newer() ? tell_all_newer : tell_all)(model, units, start, end, first, n_docs, votes, n_languages, language);
}

/* Context: what context_columns of context.py computes, document by document, a column after the other. The columns of
   one document are judged while they are still near, and written again for what is left of it where blocks go.

   Columns are kept in tiles of NEAR blocks, (n_tiles, n_columns, NEAR), so that those of a block lie together however
   long the document is. Those of a long one are written aside first, GROUP at most, then put into the tiles; those of
   STRETCH blocks are written, then used, while they are near. */

enum { STORY = 140, MARKER = 60, SEEN = 400, BUCKETS = 1 << 11, REACH = 32, NEAR = 64, N_BESIDE = 6, N_MASS = 4,
       N_MARKERS = 8, GROUP = 16, STRETCH = 4 * NEAR, STORY_POINT = 1 << 20 };

/* What is known of the blocks, and the two networks as far as a block alone is concerned; one row a block. */
typedef struct {
    int64_t n, n_concepts;
    const int64_t *sums;       /* (n, 4) */
    const int64_t *words, *known;
    const int16_t *cues;       /* (n, n_concepts) */
    const int64_t *cue_sums;   /* (n, 2) */
    const int64_t *cue_words;
    const int16_t *shape;      /* (n, N_SHAPES) */
    const int64_t *titled;
    const uint8_t *first_edge, *last_edge;
    const int64_t *chars;
    const int64_t *presence;   /* (6,): columns of shape */
    const float *weights;      /* (n_columns, n_reader + n_judge): the reader's hidden units, then the judge's */
    const float *bias;         /* (n_reader + n_judge,) */
    const float *of_logits;    /* (3, n_judge): the judge's weights for the reader's logits */
    const float *out;          /* (3, n_reader) */
    const float *out_bias;     /* (3,) */
    int64_t n_reader, n_judge; /* of PANEL vectors the latter, together of STRIP vectors */
    float *first_two;          /* (n, 2) */
    float *logits;             /* (n, 3) */
    float *begun;              /* (n, n_judge), or that of the largest document */
} Reading;

typedef struct {
    const int64_t *first;          /* (n_docs + 1,): bounds of the documents in `rows` */
    int64_t n_docs;
    const int64_t *rows;           /* (n_asked,): the blocks asked about, as rows of what follows */
    const int64_t *chars;
    const uint8_t *first_edge, *last_edge;
    const uint64_t *lead, *key;
    const int16_t *cues;           /* (n, n_concepts) */
    int64_t n_concepts;
    const int64_t *term_first;     /* (n + 1,): terms of block i are term_first[i]:term_first[i + 1] */
    const uint64_t *term_hash;
    const float *words;            /* (n, 2): noise, appeal */
    const float *logits;           /* (n, 3) */
    const float *is_stop;          /* by edge */
    const int64_t *telling;        /* (2, n_telling): concepts that make a marker, and the markers' bits */
    int64_t n_telling, n_markers;
    const int64_t *said;           /* (n_said,): concepts of which it is told how much the story says, GROUP at most */
    int64_t n_said;
    const int64_t *n_words;        /* (n,) */
    float *scratch;                /* (N_BESIDE + N_MASS + 1, stride) */
    uint8_t *story, *judged;       /* (stride,) */
    int64_t *told, *left_rows;     /* (stride,) */
    int64_t *tile_chars;           /* (n_tiles,) for the largest document: see find_edges */
    int32_t *marked_before, *marked_after; /* (n_tiles, N_MARKERS) */
    int32_t *left, *chosen;        /* (stride,): those left as blocks of the document, those asked about of these */
    int32_t *before;               /* (stride,): where those left stood among those left before; of `settle` once the
                                      columns are written */
    float *rise;                   /* (stride,): of those left, since they were last judged */
    float *last_scores;            /* (stride, 3): the blocks' when they were last judged */
    float *new_scores;             /* (stride, 3) */
    uint64_t *table_keys;          /* (four times the stride,) */
    int32_t *table_counts;         /* (four times the stride,) */
    const float *logs, *fades;     /* (stride + 2,): log2(i); exp(-i / FAR_BLOCKS) and 0 first */
    const float *inverses;         /* (stride + 2,): 1 / i and 0 first */
    int64_t stride;                /* blocks of the largest document */
    float *columns, *columns_left; /* (n_tiles, n_columns, NEAR) for the largest document; zeros at first where that is
                                      one tile: what it has too many is judged for nothing */
    float *near;                   /* (n_columns, NEAR), zeros at first */
    float *group;                  /* (GROUP, stride) */
    int64_t n_columns;
    const float *weights;          /* (n_columns, width): the judge's hidden units, then zeros */
    const float *begun;            /* what a block's own features come to in them: Reading.begun */
    const float *out;              /* (3, width) */
    const float *out_bias;         /* (3,) */
    int64_t width;                 /* a multiple of PANEL vectors */
    float *scores;                 /* (n_asked, 3) */
    /* All of the rest, or none where only scores are wanted. */
    const Reading *reading;        /* the blocks are read first, a document at a time */
    const float *limits;           /* (n_asked,): see OperatingPoint.limits */
    const float *appeal_gain;      /* (1,) */
    const float *slopes;           /* (2, 2, n_columns): see add_rises */
    const uint8_t *dropped;        /* (3,): labels that go */
    int8_t *labels;                /* (n_asked,) */
} Context;

/* One document: its blocks, how many, and what is known of each; then what is counted over all of them; then the blocks
   whose columns are written, the tile's column to be written next, and how many are written aside. */
typedef struct {
    const Context *all;
    const int64_t *rows;
    int64_t size;
    float *beside[N_BESIDE], *mass[N_MASS], *log_chars;
    uint8_t *story;
    int64_t *told; /* bits of what each block's cues tell */
    int64_t n_chars, n_story_chars, sums[4], n_words, n_said[GROUP], first_story, last_story;
    int32_t terms[BUCKETS], story_terms[BUCKETS];
    int table_bits;
    int64_t begin, end, n_aside;
    float *column;
} Document;

static float *next_column(Document *document)
{
    if (document->size > NEAR)
        return document->all->group + document->all->stride * document->n_aside++;
    float *column = document->column;
    document->column += NEAR;
    return column;
}

/* Put columns that were written aside into the tiles. */
static void put_away(Document *document)
{
    const float *group = document->all->group;
    int64_t n_aside = document->n_aside, tile_size = document->all->n_columns * NEAR;
    float *tile = document->column;
    for (int64_t begin = document->begin; n_aside && begin < document->end; begin += NEAR, tile += tile_size)
        for (int64_t k = 0; k < n_aside; k++) {
            const float *values = group + document->all->stride * k + begin;
            int64_t n = document->size - begin < NEAR ? document->size - begin : NEAR;
            memcpy(tile + k * NEAR, values, n * sizeof *tile);
            memset(tile + k * NEAR + n, 0, (NEAR - n) * sizeof *tile);
        }
    document->column += n_aside * NEAR;
    document->n_aside = 0;
}

/* Bits of the markers that a block has cues of; a marker is short. */
static int64_t told_by(const Context *all, int64_t row)
{
    const int16_t *cues = all->cues + row * all->n_concepts;
    int64_t told = 0;
    if (all->chars[row] > MARKER)
        return 0;
    for (int64_t k = 0; k < all->n_telling; k++)
        told |= -(int64_t)(cues[all->telling[k]] > 0) & all->telling[all->n_telling + k];
    return told;
}

static int64_t place_of(const Document *document, uint64_t key)
{
    const Context *all = document->all;
    int64_t mask = (1LL << document->table_bits) - 1, place = (int64_t)((key * MIX) >> (64 - document->table_bits));
    while (all->table_counts[place] && all->table_keys[place] != key)
        place = (place + 1) & mask;
    return place;
}

static int64_t bucket_of(uint64_t hash)
{
    return (int64_t)((hash * MIX) >> (64 - 11));
}

static int64_t story_weight(const Document *document, int64_t i)
{
    return lrintf(document->mass[0][i] * STORY_POINT);
}

/* Count a block in, or out of, what is known of the whole. All counts are integers, so that order does not matter. */
static void count(Document *document, int64_t i, int sign)
{
    const Context *all = document->all;
    int64_t row = document->rows[i], chars = sign * all->chars[row], weight = sign * story_weight(document, i);
    const int16_t *cues = all->cues + row * all->n_concepts;
    int story = document->story[i];
    document->n_chars += chars;
    document->n_story_chars += story ? chars : 0;
    for (int part = 0; part < 4; part++) {
        float value = part < 3 ? document->mass[part][i] : document->beside[4][i];
        document->sums[part] += sign * (int64_t)rintf(value * 4096);
    }
    document->n_words += weight * all->n_words[row];
    for (int64_t k = 0; k < all->n_said; k++)
        document->n_said[k] += weight * cues[all->said[k]];
    for (int64_t t = all->term_first[row]; t < all->term_first[row + 1]; t++) {
        int64_t bucket = bucket_of(all->term_hash[t]);
        document->terms[bucket] += sign;
        document->story_terms[bucket] += story ? sign : 0;
    }
    int64_t place = place_of(document, all->key[row]);
    all->table_keys[place] = all->key[row];
    all->table_counts[place] += all->table_counts[place] ? sign : 2; /* one more than there are: zero is for no text */
}

/* Where the story is; for each tile, how many characters are before it, and where the marker of each kind before it and
   after it is, -1 and the size where there is none. */
static void find_edges(Document *document)
{
    const Context *all = document->all;
    int64_t size = document->size, n_chars = 0;
    int32_t marked[N_MARKERS];
    document->first_story = document->last_story = -1;
    memset(marked, -1, sizeof marked);
    for (int64_t i = 0; i < size; i++) {
        if (i % NEAR == 0) {
            all->tile_chars[i / NEAR] = n_chars;
            memcpy(all->marked_before + i / NEAR * N_MARKERS, marked, sizeof marked);
        }
        n_chars += all->chars[document->rows[i]];
        for (int64_t told = document->told[i]; told; told &= told - 1)
            marked[__builtin_ctzll(told)] = (int32_t)i;
        if (document->story[i]) {
            document->first_story = document->first_story < 0 ? i : document->first_story;
            document->last_story = i;
        }
    }
    for (int k = 0; k < N_MARKERS; k++)
        marked[k] = (int32_t)size;
    for (int64_t i = size - 1; i >= 0; i--) {
        if (i == size - 1 || i % NEAR == NEAR - 1)
            memcpy(all->marked_after + i / NEAR * N_MARKERS, marked, sizeof marked);
        for (int64_t told = document->told[i]; told; told &= told - 1)
            marked[__builtin_ctzll(told)] = (int32_t)i;
    }
}

static void read_document(Document *document, const Context *all, const int64_t *rows, int64_t size)
{
    float *scratch = all->scratch;
    memset(document, 0, sizeof *document);
    document->all = all;
    document->rows = rows;
    document->size = size;
    for (int k = 0; k < N_BESIDE; k++, scratch += all->stride)
        document->beside[k] = scratch;
    for (int k = 0; k < N_MASS; k++, scratch += all->stride)
        document->mass[k] = scratch;
    document->log_chars = scratch;
    document->story = all->story;
    document->told = all->told;
    while (1LL << ++document->table_bits < 2 * size)
        ;
    memset(all->table_counts, 0, sizeof *all->table_counts << document->table_bits);
    for (int64_t i = 0; i < size; i++) {
        int64_t row = rows[i];
        const float *logits = all->logits + 3 * row;
        float most = larger(larger(logits[0], logits[1]), logits[2]);
        float p[3] = {expf(logits[0] - most), expf(logits[1] - most), expf(logits[2] - most)};
        float total = p[0] + p[1] + p[2];
        int64_t chars = all->chars[row];
        for (int k = 0; k < 3; k++)
            document->mass[k][i] = p[k] / total;
        document->mass[3][i] = (float)(chars < SEEN ? chars : SEEN) / SEEN * document->mass[0][i];
        document->log_chars[i] = log2f((float)(chars + 1));
        document->beside[0][i] = document->mass[1][i];
        document->beside[1][i] = document->mass[2][i];
        document->beside[2][i] = all->words[2 * row + 1];
        document->beside[3][i] = all->words[2 * row];
        document->beside[4][i] = document->log_chars[i] / 8;
        document->beside[5][i] = all->is_stop[all->last_edge[row]];
        document->told[i] = told_by(all, row);
        document->story[i] = chars >= STORY && document->mass[0][i] > 0.5f;
        count(document, i, 1);
    }
    find_edges(document);
}

/* Leave out what went; `before` is where those left stood in the document, which is no earlier than now. */
static void leave_out(Document *document, const int32_t *before, int64_t n_left)
{
    int64_t *left_rows = document->all->left_rows;
    float *values[N_BESIDE + N_MASS + 1];
    int n_values = 0;
    for (int64_t i = 0, k = 0; i < document->size; i++) {
        int stays = k < n_left && before[k] == i;
        k += stays;
        if (!stays)
            count(document, i, -1);
    }
    for (int k = 0; k < N_BESIDE; k++)
        values[n_values++] = document->beside[k];
    for (int k = 0; k < N_MASS; k++)
        values[n_values++] = document->mass[k];
    values[n_values++] = document->log_chars;
    for (int k = 0; k < n_values; k++)
        for (int64_t i = 0; i < n_left; i++)
            values[k][i] = values[k][before[i]];
    for (int64_t i = 0; i < n_left; i++) {
        left_rows[i] = document->rows[before[i]];
        document->told[i] = document->told[before[i]];
        document->story[i] = document->story[before[i]];
    }
    document->rows = left_rows;
    document->size = n_left;
    find_edges(document);
}

/* Values of the blocks `step` before, or, where it is negative, after; zeros where there is none. */
static void shift(const Document *document, const float *values, int64_t step, float *out)
{
    int64_t begin = document->begin, end = document->end, size = document->size;
    int64_t from = step > begin ? step : begin, to = step < 0 && size + step < end ? size + step : end;
    from = from < end ? from : end;
    to = to > from ? to : from;
    memset(out + begin, 0, (from - begin) * sizeof *out);
    memcpy(out + from, values + from - step, (to - from) * sizeof *out);
    memset(out + to, 0, (end - to) * sizeof *out);
}

static void write_neighbours(Document *document)
{
    for (int64_t k = 1; k <= 4; k++) {
        for (int64_t side = 1; side >= -1; side -= 2)
            for (int part = 0; part < (k <= 2 ? N_BESIDE : 2); part++) /* as NEIGHBOURS says */
                shift(document, document->beside[part], side * k, next_column(document));
        put_away(document);
    }
}

static void write_similar(Document *document)
{
    const Context *all = document->all;
    int64_t begin = document->begin, end = document->end, size = document->size;
    for (int64_t k = 1; k <= 3; k++) {
        float *columns[6];
        for (int c = 0; c < 6; c++) {
            columns[c] = next_column(document);
            memset(columns[c] + begin, 0, (end - begin) * sizeof **columns);
        }
        for (int64_t i = begin > k ? begin : k; i < end + k && i < size; i++) {
            int64_t here = document->rows[i], there = document->rows[i - k];
            float longer = document->log_chars[i] - document->log_chars[i - k];
            longer = smaller(larger(longer, -4), 4);
            float same_lead = all->lead[here] == all->lead[there];
            float same_edges = all->first_edge[here] == all->first_edge[there]
                && all->last_edge[here] == all->last_edge[there];
            columns[0][i] = columns[3][i - k] = same_lead;
            columns[1][i] = columns[4][i - k] = same_edges;
            columns[2][i] = longer;
            columns[5][i - k] = -longer;
        }
        put_away(document);
    }
}

/* Sums over the 32 neighbours on one side, as a recursion: what fades, what comes in, what falls out. */
static void write_decays(Document *document)
{
    static const double decays[2] = {0.5, 0.85};
    int64_t begin = document->begin, end = document->end, size = document->size;
    int64_t far_begin = begin > REACH ? begin - REACH : 0, far_end = size - end > REACH ? end + REACH : size;
    for (int d = 0; d < 2; d++) {
        double decay = decays[d], lost = pow(decay, REACH);
        for (int side = 1; side >= -1; side -= 2) {
            double sums[N_MASS] = {0}; /* side by side, as each waits for itself */
            float *columns[N_MASS];
            int64_t first = side > 0 ? far_begin : far_end - 1, n = side > 0 ? end - far_begin : far_end - begin;
            for (int part = 0; part < N_MASS; part++)
                columns[part] = next_column(document);
            for (int64_t k = 0; k < n; k++) {
                int64_t i = first + side * k;
                for (int part = 0; part < N_MASS; part++) {
                    columns[part][i] = (float)sums[part];
                    sums[part] = sums[part] * decay + document->mass[part][i];
                }
                if (k >= REACH)
                    for (int part = 0; part < N_MASS; part++)
                        sums[part] -= lost * document->mass[part][i - side * REACH];
            }
        }
        put_away(document);
    }
}

/* How near the last and the next marker of each kind are. */
static void write_markers(Document *document)
{
    const Context *all = document->all;
    int64_t begin = document->begin, end = document->end, size = document->size;
    for (int64_t marker = 0; marker < all->n_markers; marker++) {
        for (int side = 1; side >= -1; side -= 2) {
            float *near = next_column(document), *far = next_column(document);
            const int32_t *marked_at = side > 0 ? all->marked_before : all->marked_after;
            int64_t first = side > 0 ? begin : end - 1, seen = marked_at[first / NEAR * N_MARKERS + marker];
            /* 0: no marker yet; nothing is as near as that */
            int64_t distance = seen >= 0 && seen < size ? side * (first - seen) : 0;
            for (int64_t i = first; i >= begin && i < end; i += side) {
                int64_t marked = document->told[i] >> marker & 1;
                near[i] = all->inverses[distance];
                far[i] = all->fades[distance];
                distance = marked ? 1 : distance + (distance > 0);
            }
        }
        put_away(document);
    }
}

static void write_place(Document *document)
{
    const float *logs = document->all->logs, *inverses = document->all->inverses;
    float *columns[11];
    int64_t size = document->size, begin = document->first_story, end = document->last_story;
    for (int c = 0; c < 11; c++)
        columns[c] = next_column(document);
    for (int64_t i = document->begin; i < document->end; i++) {
        int64_t to_begin = begin < 0 ? 0 : i - begin, to_end = begin < 0 ? 0 : i - end;
        columns[0][i] = logs[i + 1];
        columns[1][i] = logs[size - i];
        columns[2][i] = inverses[i + 1];
        columns[3][i] = inverses[size - i];
        columns[4][i] = (float)((double)i / (double)(size > 1 ? size - 1 : 1));
        columns[5][i] = logs[size];
        columns[6][i] = to_begin < 0;
        columns[7][i] = to_end > 0;
        columns[8][i] = to_begin < 0 ? -logs[1 - to_begin] : logs[1 + to_begin];
        columns[9][i] = to_end < 0 ? -logs[1 - to_end] : logs[1 + to_end];
        columns[10][i] = begin < 0;
    }
    put_away(document);
}

/* Means and shares of the whole document. */
static void write_means(Document *document)
{
    int64_t n_chars = document->n_chars > 1 ? document->n_chars : 1;
    for (int k = 0; k < 5; k++) {
        double mean = k < 4 ? (double)document->sums[k] / (double)(document->size * 4096)
                            : (double)document->n_story_chars / (double)n_chars;
        float *column = next_column(document);
        for (int64_t i = document->begin; i < document->end; i++)
            column[i] = (float)mean;
    }
}

static void write_terms(Document *document)
{
    const Context *all = document->all;
    const int64_t *first = all->term_first;
    float *shared = next_column(document), *few = next_column(document), *in_story = next_column(document);
    for (int64_t i = document->begin; i < document->end; i++) {
        int64_t row = document->rows[i], n_terms = first[row + 1] - first[row], n_shared = 0, n_told = 0;
        for (int64_t t = first[row]; t < first[row + 1]; t++) {
            int64_t bucket = bucket_of(all->term_hash[t]);
            n_shared += document->terms[bucket] > 1;
            n_told += document->story_terms[bucket] > document->story[i];
        }
        double n = n_terms > 1 ? (double)n_terms : 1;
        shared[i] = (float)((double)n_shared / n);
        few[i] = n_terms < 2;
        in_story[i] = (float)((double)n_told / n);
    }
}

/* How often a block's text stands in its document beside this once, three at most. */
static void write_repeated(Document *document)
{
    const Context *all = document->all;
    float *column = next_column(document);
    for (int64_t i = document->begin; i < document->end; i++) {
        int32_t others = all->table_counts[place_of(document, all->key[document->rows[i]])] - 2;
        column[i] = (float)(others < 3 ? others : 3);
    }
}

/* The characters before and after each block. */
static void write_chars(Document *document)
{
    const int64_t *chars = document->all->chars;
    float *before = next_column(document), *after = next_column(document);
    int64_t so_far = document->all->tile_chars[document->begin / NEAR];
    for (int64_t i = document->begin; i < document->end; i++) {
        before[i] = log2f((float)((double)so_far / 64 + 1));
        so_far += chars[document->rows[i]];
        after[i] = log2f((float)((double)(document->n_chars - so_far) / 64 + 1));
    }
    put_away(document);
}

/* How much of some concepts the document's other blocks say: see `_said` of context.py. */
static void write_said(Document *document)
{
    const Context *all = document->all;
    float *columns[GROUP];
    for (int64_t k = 0; k < all->n_said; k++)
        columns[k] = next_column(document);
    for (int64_t i = document->begin; i < document->end; i++) {
        const int16_t *cues = all->cues + document->rows[i] * all->n_concepts;
        int64_t weight = story_weight(document, i);
        int64_t words = document->n_words - weight * all->n_words[document->rows[i]];
        double others = 1.0 / (double)(words > STORY_POINT ? words : STORY_POINT);
        for (int64_t k = 0; k < all->n_said; k++) {
            double share = (double)(document->n_said[k] - weight * cues[all->said[k]]) * others;
            columns[k][i] = (float)(share < 0.1 ? share : 0.1) * 10;
        }
    }
    put_away(document);
}

/* Write the columns of some blocks into the tiles; `begin` is the first of a tile. */
static void write_columns(Document *document, int64_t begin, int64_t end, float *tiles)
{
    document->begin = begin;
    document->end = end;
    document->column = tiles + begin * document->all->n_columns;
    write_neighbours(document);
    write_similar(document);
    write_decays(document);
    write_markers(document);
    write_place(document);
    write_means(document);
    write_terms(document);
    write_repeated(document);
    write_chars(document);
    write_said(document);
}

/* Let the blocks before and after one, where there are any, have a say: see `agreed` of context.py. */
static void agree(float *scores, const float *before, const float *after)
{
    int between = before && after && before[0] > SURE_STORY && after[0] > SURE_STORY;
    int beside = (before && before[1] > SURE_APPEAL) || (after && after[1] > SURE_APPEAL);
    if (between || beside) {
        float body = beside ? scores[0] * LESS_STORY : scores[0];
        float appeal = between ? scores[1] * LESS_APPEAL : scores[1], total = body + appeal + scores[2];
        scores[0] = body / total;
        scores[1] = appeal / total;
        scores[2] /= total;
    }
}

/* The same for the blocks of a document, whose scores before that are kept. */
static void agree_all(const Context *all, int64_t size, float *scores)
{
    float *last = all->last_scores;
    memcpy(last, scores, 3 * size * sizeof *last);
    for (int64_t i = 0; i < size; i++)
        agree(scores + 3 * i, i > 0 ? last + 3 * (i - 1) : 0, i < size - 1 ? last + 3 * (i + 1) : 0);
}

/* Label one block as OperatingPoint.decide does, to the bit: 0 body, 1 appeal, 2 related. */
UNFUSED static int8_t decided(const Context *all, const float *scores, float limit)
{
    float appeal = *all->appeal_gain * scores[1];
    float gain = (scores[2] + appeal) + TINY, cost = (scores[0] + TINY) * limit;
    return gain > cost ? 1 + !(scores[1] > scores[2]) : 0;
}

/* Tell whether a block may go after such a rise, whatever stands beside it; with room for what rounding does. */
static int may_go(const Context *all, const float *scores, float limit, float rise)
{
    float gain = scores[2] + *all->appeal_gain * scores[1];
    float ratio = 1.02f * expf(rise + MOST_AGREED) * (gain + TINY) / scores[0];
    float body = 1 / (1 + ratio * larger(1, 1 / *all->appeal_gain)); /* at least */
    return !(ratio + 2 * TINY / body < limit);
}

/* Reading: block_columns of context.py, the reader, and what a block's own columns come to in the judge. Three in four
   columns of a block are zero, and these cost nothing here. */

enum { STRIP = 7, TOGETHER = 16, MAX_COLUMNS = 640, N_EDGES = 14 };

typedef struct {
    float value[MAX_COLUMNS];
    int32_t column[MAX_COLUMNS];
    int n;
} Sparse;

static float clip(float value, float most)
{
    return smaller(larger(value, -most), most);
}

static void put(Sparse *features, int column, float value)
{
    features->value[features->n] = value;
    features->column[features->n] = column;
    features->n += value != 0;
}

static void own_features(const Reading *all, int64_t b, Sparse *features)
{
    const int64_t *sums = all->sums + 4 * b, *cue_sums = all->cue_sums + 2 * b;
    const int16_t *shape = all->shape + N_SHAPES * b, *cues = all->cues + all->n_concepts * b;
    float words = (float)all->words[b], some_words = larger(words, 1), root = sqrtf(words + 1);
    float chars = (float)all->chars[b], seen = smaller(larger(chars, 1), 320);
    float known = (float)all->known[b] / some_words, cue_root = sqrtf((float)all->cue_words[b] + 1);
    int column = 0;
    features->n = 0;
    for (int k = 0; k < 2; k++)
        put(features, column++, all->first_two[2 * b + k] = clip((float)sums[k] / 4096 / root, 8));
    for (int k = 0; k < 2; k++)
        put(features, column++, clip((float)sums[k] / 4096 / (words + 2), 4));
    for (int k = 2; k < 4; k++)
        put(features, column++, smaller((float)sums[k] / 4096 / root, 12));
    for (int k = 0; k < 2; k++)
        put(features, column++, clip((float)cue_sums[k] / 4096 / cue_root, 8));
    put(features, column++, known);
    put(features, column++, known < 0.3f);
    put(features, column++, log2f(words + 1));
    put(features, column++, log2f(chars + 1));
    put(features, column++, chars > STORY);
    put(features, column++, (float)all->titled[b] / some_words);
    put(features, column++, smaller(seen / some_words, 30));
    for (int k = 0; k < N_SHAPES; k++)
        put(features, column++, (float)shape[k] / seen);
    for (int k = 0; k < 6; k++)
        put(features, column++, smaller((float)shape[all->presence[k]], 3));
    put(features, column + all->first_edge[b] - 1, all->first_edge[b] > 0);
    put(features, column + N_EDGES + all->last_edge[b] - 1, all->last_edge[b] > 0);
    column += 2 * N_EDGES;
    for (int64_t first = 0; first < all->n_concepts; first += 64) {
        uint64_t present; /* gathered first: which they are nobody can guess */
        uint8_t flags[64] = {0};
        for (int64_t k = first; k < all->n_concepts && k < first + 64; k++)
            flags[k - first] = cues[k] > 0;
        for (present = lowest_bits(flags); present; present &= present - 1) {
            int64_t k = first + __builtin_ctzll(present);
            float count = cues[k];
            put(features, column + (int)k, smaller(count, 4));
            put(features, column + (int)(all->n_concepts + k), sqrtf(count / some_words));
        }
    }
}

/* Where the first column of a block is; its others follow NEAR apart. */
static int64_t place_in_tiles(const Context *all, int64_t block)
{
    return block / NEAR * NEAR * all->n_columns + block % NEAR;
}

static const float *in_tile(const Context *all, const float *columns, int64_t block)
{
    return columns + place_in_tiles(all, block);
}

/* The loops that are compiled for each length of registers: see networks.h. */

enum { PANEL = 3 };
#define NOT_SIGNS 0x7FFFFFFF7FFFFFFFu

typedef struct {
    void (*read)(const Reading *, int64_t begin, int64_t end, float *begun);
    void (*judge_blocks)(const Context *, const int64_t *rows, int64_t first_row, const float *columns,
                         const int32_t *chosen, int64_t n, float *scores);
    void (*add_rises)(const Context *, const float *old, const float *new, int64_t begin, int64_t end);
} Loops;

#define LANES 4 /* every processor has as many */
#define TILE 4
#define WITH
#define NAME(name) name##_4
#include "networks.h"

#if defined(__x86_64__)
#define LANES 8
#define TILE 4
#define WITH __attribute__((target("avx2,fma")))
#define NAME(name) name##_8
#include "networks.h"

#define LANES 16
#define TILE 8
#define WITH __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define NAME(name) name##_16
#include "networks.h"
#endif

static const Loops *usable_loops(void)
{
#if defined(__x86_64__)
    if (MOST_LANES >= 8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        int longer = MOST_LANES >= 16 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
        return longer ? &loops_16 : &loops_8;
    }
#endif
    return &loops_4;
}

void read_blocks(const Reading *all)
{
    usable_loops()->read(all, 0, all->n, all->begun);
}

/* Take what goes out of the blocks left; gives how many are left then. */
static int64_t still_left(const Context *all, const int8_t *labels, int64_t n_before)
{
    int64_t n_left = 0;
    for (int32_t i = 0; i < n_before; i++) {
        all->left[n_left] = all->left[i];
        all->rise[n_left] = all->rise[i];
        all->before[n_left] = i;
        n_left += !all->dropped[labels[all->left[i]]];
    }
    return n_left;
}

/* Judge some of the blocks left, and keep what comes of it. */
static void judge_again(const Context *all, const Loops *loops, int64_t first_row, const float *columns,
                        const int32_t *which, int64_t n)
{
    loops->judge_blocks(all, all->left_rows, first_row, columns, which, n, all->new_scores);
    for (int64_t i = 0; i < n; i++) {
        memcpy(all->last_scores + 3 * all->left[which[i]], all->new_scores + 3 * i, 3 * sizeof *all->new_scores);
        all->rise[which[i]] = 0;
        all->judged[which[i]] = 1;
    }
}

/* Label a block left, with a say of the blocks then beside it. */
static int8_t decided_left(const Context *all, int64_t n_left, int32_t i, float limit)
{
    const float *last = all->last_scores;
    float scores[3];
    memcpy(scores, last + 3 * all->left[i], sizeof scores);
    agree(scores, i > 0 ? last + 3 * all->left[i - 1] : 0, i < n_left - 1 ? last + 3 * all->left[i + 1] : 0);
    return decided(all, scores, limit);
}

/* Drop blocks of a document that has been judged, ask again about what is left, until nothing more goes.

   Only the blocks that may go are judged again, while their columns are near, then those beside the ones that still may.
   What is kept of a block are its scores before others have a say. */
static void settle(Document *document, const Loops *loops, const int64_t *rows, int64_t first_row)
{
    const Context *all = document->all;
    int64_t size = document->size, n_left, n_before = size, offset = rows - all->rows;
    const float *scores = all->scores + 3 * offset, *limits = all->limits + offset, *last = all->last_scores;
    float *new = all->columns_left, *old = all->columns;
    int8_t *labels = all->labels + offset;
    int32_t *beside = all->before; /* more to be judged, once the columns are written */
    int lost = 0;
    for (int32_t i = 0; i < size; i++) {
        labels[i] = decided(all, scores + 3 * i, limits[i]);
        all->left[i] = i;
        all->rise[i] = 0;
        lost |= all->dropped[labels[i]];
    }
    while (lost && (n_left = still_left(all, labels, n_before))) {
        int64_t n_chosen = 0, n_beside = 0;
        leave_out(document, all->before, n_left);
        memset(all->judged, 0, n_left);
        for (int64_t begin = 0, end; begin < n_left; begin = end) {
            int64_t n_chosen_before = n_chosen;
            end = begin + STRETCH < n_left ? begin + STRETCH : n_left;
            write_columns(document, begin, end, new);
            loops->add_rises(all, old, new, begin, end);
            for (int64_t i = begin; i < end; i++) {
                int32_t block = all->left[i];
                all->chosen[n_chosen] = (int32_t)i;
                n_chosen += may_go(all, last + 3 * block, limits[block], all->rise[i]);
            }
            judge_again(all, loops, first_row, new, all->chosen + n_chosen_before, n_chosen - n_chosen_before);
        }
        for (int64_t k = 0; k < n_chosen; k++) {
            int32_t i = all->chosen[k], block = all->left[i];
            if (may_go(all, last + 3 * block, limits[block], 0))
                for (int32_t j = i > 0 ? i - 1 : 1; j <= i + 1 && j < n_left; j += 2) {
                    beside[n_beside] = j;
                    n_beside += !all->judged[j];
                    all->judged[j] = 1;
                }
        }
        judge_again(all, loops, first_row, new, beside, n_beside);
        lost = 0;
        for (int64_t k = 0; k < n_chosen; k++) {
            int32_t i = all->chosen[k], block = all->left[i];
            int8_t label = decided_left(all, n_left, i, limits[block]);
            labels[block] = all->dropped[label] ? label : labels[block];
            lost |= all->dropped[label];
        }
        float *columns = old; /* rises are counted from the new ones on */
        old = new;
        new = columns;
        n_before = n_left;
    }
}

/* Give the scores of the blocks asked about, and their labels once nothing more goes, if these are wanted. */
void judge(const Context *all)
{
    const Loops *loops = usable_loops();
    Document document;
    for (int64_t d = 0; d < all->n_docs; d++) {
        const int64_t *rows = all->rows + all->first[d];
        int64_t size = all->first[d + 1] - all->first[d];
        if (!size)
            continue;
        int64_t first_row = all->reading ? rows[0] : 0; /* of those in `begun` */
        if (all->reading)
            loops->read(all->reading, rows[0], rows[size - 1] + 1, all->reading->begun);
        read_document(&document, all, rows, size);
        for (int64_t begin = 0; begin < size; begin += STRETCH) {
            int64_t end = begin + STRETCH < size ? begin + STRETCH : size;
            write_columns(&document, begin, end, all->columns);
            loops->judge_blocks(all, rows + begin, first_row, all->columns + begin * all->n_columns, 0, end - begin,
                                all->scores + 3 * (all->first[d] + begin));
        }
        agree_all(all, size, all->scores + 3 * all->first[d]);
        if (all->labels)
            settle(&document, loops, rows, first_row);
    }
}

enum { AT_ONCE = 32 };

/* Tell whether one of some units may break a line; side by side, where `kind` is asked about one after the other. */
INLINE int any_break(const uint16_t *units)
{
    uint16_t found = 0;
    for (int k = 0; k < AT_ONCE; k++)
        found |= (units[k] < SPACE) | (units[k] == 0x85) | ((units[k] & 0xFFFE) == 0x2028);
    return found;
}

INLINE int64_t find_lines(const uint16_t *units, int64_t n, const uint8_t *kind, int64_t *start, int64_t *end)
{
    int64_t found = 0, begin = 0;
    for (int64_t i = 0; i <= n; i++) {
        while (i + AT_ONCE <= n && !any_break(units + i))
            i += AT_ONCE;
        while (i < n && kind[units[i]] != 2)
            i++;
        int64_t stop = i;
        while (begin < stop && kind[units[begin]])
            begin++;
        while (stop > begin && kind[units[stop - 1]])
            stop--;
        start[found] = begin;
        end[found] = stop;
        found += stop > begin;
        begin = i + 1;
    }
    return found;
}

NEWER static int64_t find_lines_newer(const uint16_t *units, int64_t n, const uint8_t *kind, int64_t *start,
                                      int64_t *end)
{
    return find_lines(units, n, kind, start, end);
}

/* Lines of a buffer that are not blank, without the white space around them; gives how many. `kind` of a unit: 1 for
   white space and what has no width, 2 for a line break. See _lines of blocks.py. */
int64_t lines(const uint16_t *units, int64_t n, const uint8_t *kind, int64_t *start, int64_t *end)
{
    return (is_newer() ? find_lines_newer : find_lines)(units, n, kind, start, end);
}

int64_t abi(void)
{
    return 13;
}
