"""PDF: three engines behind one router, one cleaning by geometry for all of them.

`facts` (pypdf) finds what a file is made of, within limits; `router` chooses an engine a page: `pdfium` where fonts can
be trusted, `miner` (pdfminer.six) for Japanese fonts whose letters only the tables of Adobe tell, plain pypdf where
neither can; `lines`, `running`, `order`, `tables`, `paragraphs` and `sections` turn glyphs into text, and `document`
puts it together.
"""

from corpus.extract.pdf.document import EXTRACTOR, VERSION, extract

__all__ = ["EXTRACTOR", "VERSION", "extract"]
