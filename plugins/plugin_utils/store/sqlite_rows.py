# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The child process of a large read from SQLite: runs one query with ADBC and writes its columns to standard output.

Arguments: path of the database, rows per block. The query comes on standard input. Each block is the number of rows,
then every column, all as native 8-byte numbers. Nothing else of the collection can be imported here (a child process has no
collection loader), so this file alone does not go through third_party. ADBC's DB-API is left aside: it imports pandas.
"""

from __future__ import annotations

import signal
import struct
import sys


def main() -> None:
    """Send the rows of the query."""
    import adbc_driver_manager as adbc
    import adbc_driver_sqlite
    import pyarrow

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the reader stopped early or was killed
    path, rows = sys.argv[1:]
    query = sys.stdin.read()
    output = sys.stdout.buffer
    with (
        adbc_driver_sqlite.connect(path) as database,
        adbc.AdbcConnection(database) as connection,
        adbc.AdbcStatement(connection) as statement,
    ):
        statement.set_options(**{"adbc.sqlite.query.batch_rows": rows})
        statement.set_sql_query(query)
        stream, _affected = statement.execute_query()
        for batch in pyarrow.RecordBatchReader.from_stream(stream):
            count = batch.num_rows
            output.write(struct.pack("=q", count))
            for column in batch.columns:
                begin = 8 * column.offset
                output.write(memoryview(column.buffers()[1])[begin : begin + 8 * count])
        output.flush()


if __name__ == "__main__":
    main()
