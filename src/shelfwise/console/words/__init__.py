"""What the pages say: one typed table a page, complete in every language."""
