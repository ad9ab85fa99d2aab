"""Web pages over one shop: the owner's console and a demo storefront, each page also as `.json`."""
