"""The catalogue of goods: what a product is called, what it costs, whether it can be bought now."""

from yutang.product.book import FIELDS, MOST, Bad, Product, Put, find, put
from yutang.product.files import Report, import_file

__all__ = ["FIELDS", "MOST", "Bad", "Product", "Put", "Report", "find", "import_file", "put"]
