"""What `--help` says: the verbs of the workflow, and examples for each verb."""

DESCRIPTION = """\
Learn and do efficient language-model pretraining: from web pages and PDFs to a small SmolLM3-style model.

  smollab run laptop            the main job, in minutes on two cores; ends with the path of a report
  smollab recipe laptop         every setting of a recipe, explained
  smollab generate laptop       let the trained model write
  smollab info                  what this machine can do
"""

STEPS = {
    "curate": "extract, filter, deduplicate and mask web pages and PDFs",
    "tokenize": "train a byte-level BPE tokenizer and write token shards",
    "pretrain": "train the model, or continue an interrupted training",
    "evaluate": "bits per byte on held-out text, minimal pairs, samples",
    "export": "write a Hugging Face folder that transformers loads",
    "run": "the whole job: curate, tokenize, pretrain, evaluate, export, and report.html",
}

EPILOG = """\
examples:
  smollab {verb} laptop
  smollab {verb} laptop --set model.hidden_size=256 --set stages.0.steps=200
  smollab {verb} laptop --source web=warc:https://data.commoncrawl.org/...warc.gz --run runs/crawl
  smollab {verb} my-recipe.toml

{more}A step whose settings, code and inputs have not changed is reused. Ctrl-C stops; the same command continues.
`smollab recipe laptop` lists every setting with its meaning and default.
"""

CURATE_EPILOG = """\
Sources from elsewhere, instead of the recipe's:
  smollab curate --source warc:https://data.commoncrawl.org/crawl-data/...warc.gz --run runs/crawl
  smollab curate --source hub:HuggingFaceFW/fineweb:sample-10BT --run runs/fineweb
  smollab curate --source pdf:papers/ --run runs/papers

"""

PDF_EPILOG = """
examples:
  smollab curate pdf report.pdf                            its text on standard output
  smollab curate pdf report.pdf --show --pages 1-3         report-pages/index.html, and a PNG of each page
"""

WHY_EPILOG = """\
examples:
  smollab curate why https://example.org/page --run runs/laptop
  smollab curate why web/0/17                  a record: source/shard/number, as the ledger names it

`x` marks the rules that fail; the first of them, in the order of the steps, dropped the document. Later values were
measured all the same, so that other thresholds can be tried: smollab curate recut --help
"""

RECUT_EPILOG = """\
examples:
  smollab curate recut laptop --set curate.gopher_quality.minimum_words=30
  smollab curate recut laptop --set curate.edu_quality.minimum_score=2.5 --to runs/strict/recut

Nothing is read from the sources and nothing measured again, as long as the change leaves the texts as they are. The
new cut equals, byte for byte, a curation from scratch with these settings; the run itself stays as it is. To keep the
new cut, give `smollab curate` (or `smollab run`) the same settings: it starts from the same ledger.
"""

REFETCH_EPILOG = """\
CommonCrawl keeps only the first 1 MiB of a file (5 MiB since 2025), which truncates about a quarter of all PDFs, and a
PDF is read from its end. This command finds the truncated ones and asks their own servers for the whole files:
politely (robots.txt, one request per host and second, or as the host asks), safely (public addresses only; size, time
and type are checked), and each new copy is compared with the old one:

  extends      the old copy is the beginning of the new one: what was hoped for
  same         byte for byte the old one: it was not truncated, or is broken at its origin
  different    the file has changed since the crawl
  failed       gone, refused by robots.txt, HTML instead of a PDF, ...: not asked again
  postponed    the server was busy or out of reach: asked again when the same command runs again

examples:
  smollab curate refetch crawl.warc.gz --to refetched --contact me@example.org
  smollab curate refetch "cc:CC-MAIN-2024-10?url=*.example.org&mime=application/pdf" --to refetched
  smollab curate --source pdf=warc:refetched --set 'data.sources.pdf.steps=["extract_pdf", "language", "pii"]'

Ctrl-C stops; the same command continues where this one ended, also in the middle of a file.
"""

COST_EPILOG = """\
examples:
  smollab cost smollm3-3b
  smollab cost laptop --set model.num_key_value_heads=2 --set train.sequence_length=128
  smollab cost smollm3-3b --set parallel.data=48 --set parallel.shard=4
"""

WATCH_EPILOG = """\
It reads what the run writes into its folder, so it can look from any machine that sees the folder, as often as you
like: loss, gradient norm, learning rates, speed, and every `train.detail_every` steps how far the weights moved and the
largest logit of attention. A run is stalled when it still lives and has not taken a step for long; dead when its
process is gone.

examples:
  smollab pretrain laptop & smollab watch laptop
  smollab watch runs/laptop --once                      for scripts: the exit status is 1 if something is wrong
  smollab pretrain laptop --set 'train.trackers=["tensorboard"]' && tensorboard --logdir runs/laptop/pretrain
"""

REPLAY_EPILOG = """\
A run records the steps at which its monitor saw something: what they were trained on, and what came of it. This
computes such a step again from the last checkpoint before it, says whether loss and gradient norm are the same bit for
bit, and lists the documents with the largest loss. The exit status is 1 if they are not the same.

examples:
  smollab replay laptop                                 the last step that was recorded
  smollab replay runs/laptop --step 417
"""

GENERATE_EPILOG = """\
examples:
  smollab generate laptop --prompt "The installation program"
  smollab generate runs/laptop/export --temperature 0 --repetition-penalty 1.2
  smollab generate laptop --prompt "def read(path):" --stop "def " --min-p 0.1
"""

MERGE_EPILOG = """\
examples:
  smollab merge runs/laptop/pretrain/checkpoints/step-* --output averaged      the last checkpoints of a run
  smollab merge runs/soup runs/long --weights 0.9,0.1 --output merged          as SmolLM3's last model was made
  smollab merge laptop --output copy                                           one model: only written
"""

PASSKEY_EPILOG = """\
examples:
  smollab evaluate passkey laptop                                 the model of a run, up to four times its reach
  smollab evaluate passkey runs/laptop/export --lengths 256,1024 --method yarn
  smollab evaluate passkey notebooks/results/passkey-model --digits 2 --plot map.png

A sentence with a random number stands at several depths of real text; is the number what greedy decoding gives? A model
that was trained on little text finds none, at any length; chance is one in 9 * 10^(digits - 1).
"""

MUP_EPILOG = """\
In the standard parametrization the best learning rate falls as a model grows wider. Under muP (model.parametrization =
"mup") it stays, so that it can be found with a small model. This command trains a very small model at several widths,
each with a grid of rates, in both ways, and prints the best rate of every width, how far it moves, and what the widest
model loses when it takes the narrowest one's.

examples:
  smollab scale mup                                     2 x 4 widths x 6 rates x 3 seeds, about half an hour on one core
  smollab scale mup --widths 32,128 --seeds 1           a first look, in minutes
  smollab scale mup --set optimizer.name=muon --rates=-9,-8,-7,-6,-5,-4,-3 --run runs/transfer-muon

Ctrl-C stops; the same command continues. Runs that are done are kept while settings, text and code are the same.
"""

EVALUATE_EPILOG = """\
A verb of its own asks a model for a number that stands somewhere in a long text: smollab evaluate passkey --help
"""

ABLATE_EPILOG = """\
Several runs that differ in one thing, each with several seeds. Every difference comes with a 95 % interval over the
seeds; if it reaches zero, the difference is within the noise: report it as none found.

data          How FineWeb's makers decided about each step of curation: the same very small model reads equally many
              tokens of the same pages as raw text, as main text, filtered, and deduplicated. Each is measured on clean
              text that none has seen, and on minimal pairs of grammar.
pdf           How much of the text should come from PDFs: web pages with 0, 25, 50 and 75 % of PDF text among them, and
              each measured on both kinds.
architecture  What each choice of SmolLM3's architecture is worth: one is changed at a time (heads, positions, norms,
              MLPs, embeddings, ...), and every variant spends the same operations: a dearer one takes fewer steps.
              Printed beside the difference: parameters, tokens, speed, bytes of the cache.
context       What helps beyond the trained length: models with RoPE everywhere and without it in every fourth layer, as
              trained, with a raised base and with YaRN, are asked for a key that stands far back in real text.

examples:
  smollab ablate data                                   4 variants x 3 seeds, about a quarter of an hour on two cores
  smollab ablate data --seeds 5 --steps 800             more seeds: narrower intervals; more steps: smaller bits
  smollab ablate data --as-is                           without the noise and the copies that are added to our samples
  smollab ablate data --set data.sources.web.address=warc:my.warc.gz --as-is --run runs/mine
  smollab ablate pdf                                    0, 25, 50 and 75 % of the tokens from PDFs
  smollab ablate architecture                           19 models x 3 seeds at equal operations, about 20 minutes
  smollab ablate architecture --only mha,mqa --seeds 8  one question, with more seeds
  smollab ablate context                                keys found at up to 8 times the trained length

Ctrl-C stops; the same command continues. Runs that are done are kept while settings, text and code are the same.
`smollab recipe ablation-KIND` (ablation-data, ablation-pdf, ...) explains every setting.
"""
