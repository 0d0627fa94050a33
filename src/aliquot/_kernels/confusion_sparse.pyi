from aliquot._kernels.confusion import DenseCounts

class SparseCounts(DenseCounts):
    def __init__(self, base: int, width: int, weighted: bool) -> None: ...
