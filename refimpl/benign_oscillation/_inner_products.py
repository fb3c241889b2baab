r"""The state of `train`: inner products of the filters with the distinct patches of the data, and a step of them.

A step changes every filter by a multiple of each patch g of its batch, so that
all that the dynamics needs are the inner products a = ⟨w_r, g_k⟩ with the K
distinct patches of the data (and with u and v), and their Gram matrix:

.. math:: a_{jrk} \leftarrow a_{jrk} \pm \frac{2\eta}{Bm} \sum_{i \in B} (y_i - f_i)
          \sum_p \sigma'(\langle w_{jr}, x_{ip} \rangle) \langle x_{ip}, g_k \rangle

The filters come back in the end, since w − w₀ lies in the span of the patches.
"""

import numpy as np


class Space:
    """Inner products of the filters of R replicas with the distinct patches of their data."""

    def __init__(self, model, data, start):
        self.model, self.start = model, start
        replicas, (n, patches, dim) = len(start), data.x.shape[-3:]
        sets = data.x.reshape(-1, n * patches, dim)
        found = [np.unique(np.concatenate([[data.strong_vector, data.weak_vector], rows]), axis=0, return_inverse=True)
                 for rows in sets]
        most = max(len(rows) for rows, _ in found)
        vectors = np.stack([np.pad(rows, ((0, most - len(rows)), (0, 0))) for rows, _ in found])    # (sets, K, d)
        places = np.stack([inverse.reshape(-1) for _, inverse in found])                            # (sets, 2 + nP)
        share = np.zeros(replicas, int) if len(sets) == 1 else np.arange(replicas)                  # set of a replica
        self.vectors = vectors[share]
        self.state = np.matmul(self.vectors, start.reshape(replicas, -1, dim).swapaxes(1, 2))       # (R, K, 2m)
        self.features = places[share, :2]
        self.rows = (places[share, 2:] + most * np.arange(replicas)[:, None]).reshape(replicas * n, patches)
        gram = np.matmul(sets, vectors.swapaxes(1, 2)).reshape(-1, n, patches, most)
        self.gram = gram.reshape(-1, patches, most)                                                 # of example s·n + i
        self.example = share * n
        self.n, self.patches = n, patches
        self.y = np.broadcast_to(data.y.reshape(-1, n), (replicas, n)).reshape(-1)

    def step_function(self, batch):
        """A function (rows, examples, y, rate, residual) that makes a step in place; all its buffers are made here."""
        replicas, most, filters = self.state.shape
        kind, m = self.model.activation, self.model.width
        shape = (replicas, batch, self.patches * filters)
        flat, delta = self.state.reshape(-1, filters), np.empty_like(self.state)
        z, slope = np.empty(shape), np.empty(shape)
        by_row = (replicas, batch * self.patches, filters)
        z_rows, slope_rows = z.reshape(by_row), slope.reshape(by_row)
        gram = np.empty((replicas, batch, self.patches, most))
        gram_columns = gram.reshape(replicas, -1, most).swapaxes(1, 2)
        scale, output = np.empty((replicas, batch)), np.empty((replicas, batch))
        scale_all = scale[..., None]
        signs = np.repeat([1.0, -1.0], m) / m
        state, table = self.state, self.gram
        take, maximum, multiply, subtract, vecdot, matmul, add = (
            np.take, np.maximum, np.multiply, np.subtract, np.vecdot, np.matmul, np.add)

        def step(rows, examples, y, rate, residual):
            take(flat, rows, axis=0, out=z_rows, mode="clip")
            if kind == "square":
                multiply(z_rows, signs, out=slope_rows)
            else:
                maximum(z_rows, 0.0, out=z_rows)
                multiply(z_rows if kind == "relu2" else z_rows > 0, signs, out=slope_rows)
            vecdot(z, slope, out=output)                   # z·σ'(z)/2, or z·σ'(z) for "relu", is σ(z)
            subtract(y, output, out=residual)
            multiply(residual, rate, out=scale)
            multiply(slope, scale_all, out=slope)
            take(table, examples, axis=0, out=gram, mode="clip")
            matmul(gram_columns, slope_rows, out=delta)
            add(state, delta, out=state)

        return step, (2.0 if kind == "relu" else 4.0) / batch

    def feature(self, which):
        """⟨w_r, u⟩ or ⟨w_r, v⟩, (R, 2, m)."""
        values = self.state[np.arange(len(self.state)), self.features[:, which]]
        return values.reshape(len(values), 2, -1)

    def patch_alignments(self):
        """⟨w_r, x_ip⟩, (R, n, P, 2, m)."""
        values = self.state.reshape(-1, self.state.shape[-1])[self.rows]
        return values.reshape(len(self.state), self.n, self.patches, 2, -1)

    def parameters(self):
        """The filters: w₀ plus what, in the span of the patches, has the inner products of the state."""
        flat = self.start.reshape(len(self.start), -1, self.start.shape[-1])
        gained = self.state - np.matmul(self.vectors, flat.swapaxes(1, 2))
        moved = np.matmul(np.linalg.pinv(self.vectors), gained).swapaxes(1, 2)
        return self.start + moved.reshape(self.start.shape)
