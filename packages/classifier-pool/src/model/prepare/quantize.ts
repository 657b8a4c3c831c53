/** Symmetric int8 quantisation of weight matrices: one scale per row, zero stays zero. */

/** QuantizedRows is a matrix as int8 with one float scale per row: value = values · scale. */
export interface QuantizedRows {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/** quantizeRows rounds each row of a row-major [rows, columns] matrix into -limit..limit. */
export function quantizeRows(matrix: Float32Array, rows: number, columns: number, limit: number): QuantizedRows {
  const values = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const start = r * columns;
    let largest = 1e-8;
    for (let i = start; i < start + columns; i++) largest = Math.max(largest, Math.abs(matrix[i]!));
    const scale = Math.fround(largest / limit);
    scales[r] = scale;
    for (let i = start; i < start + columns; i++) values[i] = Math.max(-limit, Math.min(limit, Math.round(matrix[i]! / scale)));
  }
  return { values, scales };
}

/** transpose turns a row-major [rows, columns] matrix into [columns, rows], as ONNX MatMul wants its weights. */
export function transpose<Numbers extends Int8Array | Float32Array>(matrix: Numbers, rows: number, columns: number): Numbers {
  const turned = matrix.slice() as Numbers;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) turned[c * rows + r] = matrix[r * columns + c]!;
  }
  return turned;
}

/** scaleColumns multiplies each column of a row-major matrix by its factor. */
export function scaleColumns(matrix: Float32Array, factors: Float32Array): Float32Array {
  return matrix.map((value, i) => value * factors[i % factors.length]!);
}
