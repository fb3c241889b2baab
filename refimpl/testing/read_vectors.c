/* Read golden vectors in C, no library: a model for readers in other languages.
 *
 *     cc -std=c11 -D_POSIX_C_SOURCE=200809L read_vectors.c -lm -o read_vectors && ./read_vectors DIR
 *
 * checks the cases of least squares in DIR against the loops of least_squares below and prints how many values agreed.
 * A value agrees if |got - value| <= tolerance in every entry: NaN never does. Hashes are left to sha256sum.
 */
#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON: a tree of values; objects and lists hold their parts in order. */
typedef struct Node {
    enum { NONE, NUMBER, TEXT, LIST, OBJECT } kind;
    double number;
    char *text;                /* of TEXT, and the key of a member */
    char *key;
    struct Node *first, *next;
} Node;

static void fail(const char *what, const char *where) {
    fprintf(stderr, "read_vectors: %s: %s\n", what, where);
    exit(2);
}

static void *get(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory) fail("no memory", "");
    return memory;
}

static const char *blank(const char *at) {
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t' || *at == ',' || *at == ':') at++;
    return at;
}

static const char *string(const char *at, char **out) { /* escapes stay as they are: no name or number has any */
    const char *end = ++at;
    while (*end && *end != '"') end += *end == '\\' ? 2 : 1;
    if (!*end) fail("not JSON", at);
    *out = get(end - at + 1);
    memcpy(*out, at, end - at);
    return end + 1;
}

static const char *parse(const char *at, Node *node) {
    at = blank(at);
    if (*at == '"') {
        node->kind = TEXT;
        return string(at, &node->text);
    }
    if (*at == '{' || *at == '[') {
        char close = *at == '{' ? '}' : ']';
        Node **last = &node->first;
        node->kind = *at++ == '{' ? OBJECT : LIST;
        for (at = blank(at); *at != close; at = blank(at)) {
            if (!*at) fail("not JSON", "it ends too early");
            *last = get(sizeof(Node));
            if (node->kind == OBJECT) at = string(at, &(*last)->key);
            at = parse(at, *last);
            last = &(*last)->next;
        }
        return at + 1;
    }
    if (!strncmp(at, "null", 4)) return at + 4;
    node->kind = NUMBER;
    if (!strncmp(at, "true", 4)) return node->number = 1, at + 4;
    if (!strncmp(at, "false", 5)) return at + 5;
    char *end;
    node->number = strtod(at, &end);
    if (end == at) fail("not JSON", at);
    return end;
}

static const Node *member(const Node *node, const char *key) {
    for (const Node *part = node ? node->first : NULL; part; part = part->next)
        if (part->key && !strcmp(part->key, key)) return part;
    return NULL;
}

/* Arrays: row-major numbers of any number of axes; a number is an array without axes. */
typedef struct { size_t axes, size, shape[8]; double *at; } Array;

static char *contents(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail("cannot open", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *text = get(*size + 1);
    if (fread(text, 1, *size, file) != *size) fail("cannot read", path);
    fclose(file);
    return text;
}

static size_t little(const unsigned char *at, int bytes) {
    size_t value = 0;
    while (bytes--) value = value << 8 | at[bytes];
    return value;
}

/* Numbers of one entry of an npz file: a zip archive without compression, of NPY files of version 1. */
static void from_npz(const char *path, const char *name, Array *array) {
    size_t size, named = strlen(name);
    unsigned char *zip = (unsigned char *)contents(path, &size), *at = zip;
    while (at + 30 < zip + size && little(at, 4) == 0x04034b50) {
        size_t length = little(at + 26, 2), extra = little(at + 28, 2), stored = little(at + 18, 4);
        unsigned char *body = at + 30 + length + extra;
        if (length == named + 4 && !memcmp(at + 30, name, named)) {
            size_t header = little(body + 8, 2);
            int single = strstr((char *)body + 10, "'<f4'") != NULL && strstr((char *)body + 10, "'<f4'") < (char *)body + 10 + header;
            int whole = strstr((char *)body + 10, "'<i8'") != NULL && strstr((char *)body + 10, "'<i8'") < (char *)body + 10 + header;
            unsigned char *number = body + 10 + header;
            for (size_t i = 0; i < array->size; i++) {
                double real; float less; int64_t count;
                if (single) { memcpy(&less, number + 4 * i, 4); array->at[i] = less; }
                else if (whole) { memcpy(&count, number + 8 * i, 8); array->at[i] = (double)count; }
                else { memcpy(&real, number + 8 * i, 8); array->at[i] = real; }
            }
            free(zip);
            return;
        }
        at = body + stored;
    }
    fail("no such array", name);
}

static Array array_of(const Node *node, const char *archive) {
    Array array = {0, 1, {0}, NULL};
    const Node *hex = member(node, "hex"), *decimal = member(node, "decimal"), *shape = member(node, "shape");
    if (!node || node->kind != OBJECT) return array;   /* null: no labels */
    for (const Node *part = shape ? shape->first : NULL; part; part = part->next) {
        array.shape[array.axes++] = (size_t)part->number;
        array.size *= (size_t)part->number;
    }
    array.at = get(array.size * sizeof(double));
    if (member(node, "npz")) {
        from_npz(archive, member(node, "npz")->text, &array);
        return array;
    }
    const Node *from = hex ? hex : decimal;
    size_t i = 0;
    for (const Node *part = shape ? from->first : from; part && i < array.size; part = shape ? part->next : NULL)
        array.at[i++] = part->kind == TEXT ? strtod(part->text, NULL) : part->number;   /* C99 reads 0x1.8p+1 */
    if (i != array.size) fail("too few numbers", archive);
    return array;
}

/* The code under test: predictions, loss and gradient of the mean of half * (<w, x_i> - y_i)^2. */
static void least_squares(Array w, Array x, Array y, double half, double *predicted, double *loss, double *gradient) {
    size_t n = x.shape[0], d = x.shape[1];
    *loss = 0;
    for (size_t j = 0; j < d; j++) gradient[j] = 0;
    for (size_t i = 0; i < n; i++) {
        predicted[i] = 0;
        for (size_t j = 0; j < d; j++) predicted[i] += w.at[j] * x.at[i * d + j];
        double residual = predicted[i] - (y.at ? y.at[i] : 0);
        *loss += half * residual * residual / n;
        for (size_t j = 0; j < d; j++) gradient[j] += 2 * half * residual * x.at[i * d + j] / n;
    }
}

static int agrees(const double *got, const Node *expected, const char *archive) {
    Array value = array_of(member(expected, "value"), archive), tolerance = array_of(member(expected, "tolerance"), archive);
    int good = 1;
    for (size_t i = 0; i < value.size; i++)        /* written so that NaN is a difference */
        if (!(fabs(got[i] - value.at[i]) <= tolerance.at[tolerance.size == value.size ? i : 0])) good = 0;
    free(value.at);
    free(tolerance.at);
    return good;
}

int main(int count, char **words) {
    static const struct { const char *model; double half; } models[] = {{"LinearRegression", 0.5}, {"LeastSquares", 1}};
    int agreed = 0, failed = 0;
    if (count != 2) fail("usage", "read_vectors DIR");
    for (int m = 0; m < 2; m++) {
        char path[4096], archive[4096];
        snprintf(path, sizeof path, "%s/cases/%s", words[1], models[m].model);
        DIR *folder = opendir(path);
        if (!folder) continue;      /* an export of other models */
        for (struct dirent *file; (file = readdir(folder));) {
            size_t length = strlen(file->d_name), size;
            if (length < 6 || strcmp(file->d_name + length - 5, ".json")) continue;
            snprintf(path, sizeof path, "%s/cases/%s/%s", words[1], models[m].model, file->d_name);
            snprintf(archive, sizeof archive, "%s/cases/%s/%.*s.npz", words[1], models[m].model, (int)length - 5, file->d_name);
            char *text = contents(path, &size);
            Node tree = {0};
            parse(text, &tree);
            const Node *inputs = member(&tree, "inputs"), *expected = member(&tree, "expected");
            Array w = array_of(member(inputs, "w"), archive), x = array_of(member(inputs, "x"), archive);
            Array y = array_of(member(inputs, "y"), archive);
            double *predicted = get(x.size * sizeof(double)), *gradient = get(w.size * sizeof(double)), loss;
            least_squares(w, x, y, models[m].half, predicted, &loss, gradient);
            const struct { const char *name; const double *got; } found[] = {
                {"predict", predicted}, {"loss", &loss}, {"gradient", gradient}};
            for (int f = 0; f < 3; f++) {
                if (agrees(found[f].got, member(expected, found[f].name), archive)) agreed++;
                else failed++, printf("differs: %s/%s %s\n", models[m].model, file->d_name, found[f].name);
            }
            free(predicted), free(gradient), free(w.at), free(x.at), free(y.at), free(text);
        }
        closedir(folder);
    }
    printf("%d values agree, %d differ\n", agreed, failed);
    return failed || !agreed;
}
