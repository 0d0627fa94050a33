"""A store of files that answers slowly, and counts what it is asked: as a service far away, without one."""

import io
import threading
import time

import pyarrow as pa
import pyarrow.fs as pafs


class SlowStore(pafs.FileSystemHandler):
    """Files on the disk, behind a wait of ``delay`` seconds for each request."""

    def __init__(self, delay=0.0):
        self.delay = delay
        self.reads = []
        """(path, start, bytes) of each."""
        self.under_way = 0
        self.most_under_way = 0
        self._disk = pafs.LocalFileSystem()
        self._lock = threading.Lock()

    @property
    def filesystem(self):
        return pafs.PyFileSystem(self)

    @property
    def bytes(self):
        return sum(size for _, _, size in self.reads)

    def answer(self, path, start, data):
        with self._lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.reads.append((path, start, len(data)))
        time.sleep(self.delay)
        with self._lock:
            self.under_way -= 1
        return data

    def get_type_name(self):
        return "slow"

    def get_file_info(self, paths):
        return self._disk.get_file_info(paths)

    def get_file_info_selector(self, selector):
        return self._disk.get_file_info(selector)

    def normalize_path(self, path):
        return path

    def open_input_file(self, path):
        return pa.PythonFile(_SlowFile(self, path), mode="r")

    def open_input_stream(self, path):
        raise AssertionError("streams are not wanted")

    create_dir = delete_dir = delete_dir_contents = delete_file = delete_root_dir_contents = open_input_stream
    move = copy_file = open_output_stream = open_append_stream = open_input_stream


class _SlowFile(io.RawIOBase):
    def __init__(self, store, path):
        self._store, self._path, self._at = store, path, 0
        with open(path, "rb") as file:
            self._data = file.read()

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=0):
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def tell(self):
        return self._at

    def size(self):
        return len(self._data)

    def read(self, size=-1):
        end = len(self._data) if size < 0 else self._at + size
        data = self._data[self._at : end]
        start, self._at = self._at, self._at + len(data)
        return self._store.answer(self._path, start, data)
