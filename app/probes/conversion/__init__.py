"""Makes safetensors, once, of weights that ship in another format; one file a format.

Every converter has the signature of `Converter`: it reads the unpacked parts of a package-index entry, each
in a folder named by its role (`model`, `weights`, `tokenizer`), and writes a folder with `config.json`,
`model.safetensors` and the tokenizer's files. They run in a process of their own (`python -m
app.probes.conversion`), which `app.probes.weights` starts.
"""
