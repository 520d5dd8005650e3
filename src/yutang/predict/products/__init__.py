"""Which products a person is likely to buy next. Numbers first, tables last, as in the package above."""
