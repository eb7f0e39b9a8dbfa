"""Questions about Quire: one answer a topic, many ways to ask."""

from .values import ask

Q = "[quire|quire|Quire|quire-llm|this engine]"
TOPICS = [line.split(" => ") for line in """
what[ exactly|] is {Q}?|[tell me about|explain|describe|introduce] {Q}[ to me|]|what does {Q} do?|{Q}?|what's {Q}[ about|]?|what is {Q} for?|give me a summary of {Q}|I have never heard of {Q}|summarise {Q} => Quire is an LLM engine for the browser: it runs a model in your tab on WebGPU, with continuous batching and an OpenAI-compatible API.
[do I need|does {Q} need|does {Q} use|is there|does it need|does {Q} require] a [server|backend|back end]?|where does the [model|inference] run?|is {Q} serverless?|what server does {Q} use?|which machine does the work?|do I have to host [anything|something]?|does it run on a server?|are there servers involved?|can I run it without a server? => No server is needed: the model runs inside your browser tab.
[what is|explain|tell me about|what's] WebGPU?|does {Q} use WebGPU?|does {Q} use [the|my] GPU?|how does {Q} use [the|my] [GPU|graphics card]?|why WebGPU?|what is WebGPU used for?|which graphics API does {Q} use? => Quire does its maths on your GPU through WebGPU, the browser's graphics and compute API.
[what is|explain|what's|tell me about] WGSL?|what are the [shaders|kernels] written in?|which shader language [is used|does {Q} use]?|how are the [kernels|shaders] written?|in what language are the GPU kernels? => WGSL is WebGPU's shader language; all of Quire's kernels are written in it.
what language is {Q} written in?|which programming language is {Q} [in|written in]?|is {Q} [written in|made with] TypeScript?|what is {Q} [coded|built|programmed] in?|what's the code written in? => Quire is written in TypeScript, with GPU kernels in WGSL.
[what is|explain|what's|tell me about|how does|describe] continuous batching[ work|]?|does {Q} batch requests?|can {Q} [serve|run|handle] [several|many|multiple] requests [at once|together|at the same time]?|how are [requests|several requests] batched?|does it do batching?|how does {Q} handle [parallel|concurrent] requests? => Continuous batching runs several requests together: new ones join and finished ones leave at every step.
[what is|explain|what's|tell me about|how does|describe] [a|the|] paged KV cache[ work|]?|[what is|explain|how does] paged attention[ work|]?|how is the [KV cache|cache|memory] organised?|what are [KV|cache] blocks?|why is the KV cache paged?|how does {Q} store keys and values?|what does paged mean? => A paged KV cache keeps keys and values in small blocks, so that requests use only the memory they need.
[what is|explain|what's|tell me about|how does|describe] prefix caching[ work|]?|does {Q} [reuse|share] prefixes?|what is a prefix cache?|are [shared|common|repeated] prompts [cached|reused]?|why is the second request faster?|how are common beginnings of prompts handled?|does it cache prompts? => Prefix caching lets requests that begin with the same tokens share their KV blocks, so the prompt is not computed again.
how do I use the OpenAI [API|SDK|client][ with {Q}|]?|is {Q} compatible with OpenAI?|does {Q} have an OpenAI[ compatible|-compatible|] API?|can I use the openai [package|library|client|sdk]?|what is engine.fetch?|how does engine.fetch work?|what API does {Q} [have|offer|speak]?|which API does it follow?|what is fetch for in {Q}? => Pass engine.fetch to the OpenAI client as its fetch, and engine.baseURL as its base URL; it then talks to Quire.
how [do I|to|can I|does one|do you] install [{Q}|it]?|what is the [install|installation] command?|how do I [add|get|set up] {Q}[ in my project| to my project|]?|npm install?|which package do I install?|what's the npm [package|name]?|how do I get {Q} from npm?|installation? => Run npm install quire-llm.
how do I [create|make|start] an engine?|[what is|explain|what does] createEngine[ do|]?|how do I [start|begin|use] [with|] {Q}?|how do I load {Q} in [code|a page]?|show me how to [use|start] {Q}|how do I get started[ with {Q}|]?|what is the first line of code?|what function creates the engine?|give me an example[ of {Q}|] => Call createEngine: const engine = await createEngine({ model: 'Qwen/Qwen3-0.6B' }).
what [licence|license] [does {Q} have|is {Q} under|applies]?|is {Q} open source?|can I use {Q} commercially?|what's the [licence|license]?|under which [licence|license] is {Q}[ released|]?|is {Q} free[ to use|]?|may I use {Q} in my company? => Quire is open source under the Apache-2.0 licence.
which [formats|file formats|model formats|weight formats] [does {Q} support|can {Q} load|are supported|work]?|can {Q} [load|read|open] [GGUF|safetensors][ files|]?|does it support [GGUF|safetensors]?|what is [GGUF|safetensors]?|what files can I load?|do I need to convert [my|the] model? => Quire loads safetensors and GGUF files directly, with no conversion.
[can|does] {Q} [call tools|do tool calls|support tools|support tool calling|support function calling]?|how do tool calls work?|[what are|explain] tool calls?|what is function calling?|how do I [use|define|give] tools?|does it support functions? => Yes: send tools in the request as with OpenAI, and Quire parses the model's tool calls.
[does|can] {Q} [support|parse|do|show] reasoning?|how does reasoning work?|what is reasoning[_content|]?|can [models|it|the model] think?|how do I turn [off|on] thinking?|what is enable_thinking?|what are think tags?|how do I disable thinking?|how do I stop the model from thinking? => Quire separates the text in think tags as reasoning; set enable_thinking to false to turn it off.
[does|can] {Q} [work|run|be used] offline?|do I need [the internet|a connection|a network]?|does it work without [internet|a network|a connection]?|is {Q} a PWA?|can I install the demo[ as an app|]?|what about offline use?|can I use it on a plane?|what happens without a network? => Yes: after the first load everything is stored in the browser, and the demo is an installable app that works offline.
is my data [private|safe|sent anywhere|uploaded]?|what about privacy?|does {Q} [send|upload|collect] [my|any] data?|who [sees|can see|can read] my [data|messages|prompts|chats]?|is it private?|where does my data go?|do you [track|log|store] [me|my messages]?|are my prompts sent [away|to a company|to the cloud]? => Your data stays on your device: Quire sends no prompts to any server.
what is vLLM?|is {Q} [like|based on|related to|similar to] vLLM?|how does {Q} compare [to|with] vLLM?|what's the difference between {Q} and vLLM?|why [rebuild|copy] vLLM?|does it use vLLM? => vLLM is a fast LLM server; Quire rebuilds its design for the browser tab.
which models [does {Q} support|can I run|work|are supported|can {Q} run|can I load]?|what models are there?|can I [use|run|load] [Qwen|Llama|Gemma|my own model|other models|a bigger model][ in {Q}|]?|does it support [Qwen|Llama]?|how do I [load|use] another model? => Quire runs Hugging Face and GGUF models of common architectures; name one in createEngine.
which browsers [work|are supported|does {Q} support|can I use]?|does {Q} work in [Chrome|Firefox|Safari|Edge]?|what browser do I need?|is my browser supported?|browser support? => Any browser with WebGPU works, such as current Chrome, Edge, Safari and Firefox.
does {Q} work on [phones|mobile|my phone|Android|an iPhone|a tablet]?|can I use [it|{Q}] on [mobile|a phone]?|mobile support?|will it run on my phone? => It can run on phones with WebGPU, with small models.
how fast is {Q}?|is {Q} fast?|what speed [can I expect|does {Q} reach]?|how many tokens per second?|performance?|what about performance?|is it slow? => Speed depends on your GPU and the model; Quire is built to read weights near the memory's full speed.
[where are|where does {Q} store|how are] [the|] [models|weights|model files] [stored|kept|saved|]?|what is OPFS?|does {Q} cache [models|weights]?|are models downloaded [again|every time|twice]?|does it store the model? => Model files are kept in the browser's private file system (OPFS), so they are downloaded once.
does {Q} [support streaming|stream]?|how do I stream[ tokens|]?|can I stream [answers|the answer|responses]?|what about streaming?|is streaming possible?|what are SSE? => Yes: set stream to true and read the chunks as with OpenAI.
what is a [worker|web worker]?|does {Q} [use|run in] a [worker|web worker]?|will [it|{Q}] block [the|my] page?|does it freeze the [page|tab]?|why a worker?|does the page stay smooth? => The engine runs in a Web Worker, so the page stays smooth.
can [several|many|two|multiple] tabs share [a model|an engine|one model]?|what happens with [many|several|two] tabs?|does every tab load the model?|what is the shared option?|how do I share the engine between tabs? => With shared: true all tabs of a site use one engine and one KV cache.
what happens [if|when] the GPU [is lost|crashes|resets|device is lost]?|what is device loss?|do streams survive a lost GPU?|how does it handle [a lost device|GPU crashes]?|what if the graphics driver crashes? => If the GPU device is lost, Quire rebuilds it and the streams carry on.
does {Q} support [JSON|structured output|JSON schema|grammars|structured outputs]?|can I get JSON[ output|]?|how do I force JSON?|what about structured output?|can I constrain the output? => Yes: set response_format to a JSON schema and the output follows it.
[does|can] {Q} [support|run|do] quantisation?|can I [use|run] quantised models?|what is quantisation?|does it support [4-bit|8-bit] [models|weights]?|which quantisations work? => Quantised weights take less memory; Quire reads GGUF types such as Q4_0, Q8_0 and Q4_K.
can I use [LangChain|the AI SDK|Vercel AI SDK]?|does {Q} work with [LangChain|the AI SDK|other libraries|my framework]?|which clients work?|what libraries can I use with {Q}?|is it compatible with LangChain? => Yes: clients such as the OpenAI SDK, the AI SDK and LangChain work through engine.fetch.
what is this demo?|what is this [page|site|app|chat]?|what does this demo show?|where am I?|what am I looking at?|tell me about this [demo|page|app] => This is Quire's demo: a chat that runs a small model in your browser.
how much memory does {Q} [need|use|take]?|what about memory?|how much RAM do I need?|memory use?|does it need much memory?|how much GPU memory does it take? => Quire needs the model's size, its KV cache and little more.
can {Q} run in Node?|does it work in Node[.js|]?|is there a [Node|server] version?|can I run {Q} outside the browser?|node support?|can I use it on a server[ too|]? => Yes: in Node the same handler runs behind a real HTTP port.
why [should I use|use|choose] {Q}?|what [are the advantages|is the benefit|is special][ of {Q}|]?|what makes {Q} [different|special|better]?|how is {Q} different from [WebLLM|others|other engines]?|what can {Q} do that others cannot?|why is {Q} good? => Quire gives a web page vLLM's batching, caching and API, with no server and no compile step.
how can I [contribute|help with {Q}|report a bug|join]?|where is the [code|source code|repository]?|where do I report bugs?|can I contribute? => The code is on GitHub; issues and pull requests are welcome.
what [does|is] the starter model[ do|]?|what is a starter model?|why is the model so small?|tell me about the starter model|why [is there|do you ship] a [small|starter] model?|what is the starter model for? => The starter model is a tiny Qwen3 model for tests and the demo, so that a clone works offline at once.
what is a token?|[explain|define] tokens?|what does token mean?|what are tokens?|how does tokenisation work? => A token is a short piece of text; models read and write tokens.
what is a scheduler?|how does the scheduler work?|what does the scheduler do?|who decides which request runs?|explain [the|] scheduling|how are requests scheduled? => The scheduler decides at each step which requests run and how many tokens each gets.
what is [an LLM|a language model]?|explain LLMs|what does LLM mean?|what is a large language model? => An LLM is a large language model: a program that continues text one token at a time.
does {Q} cost [money|anything]?|how much does {Q} cost?|what is the price?|do I have to pay?|is there a fee?|do I need an API key?|which API key do I need? => Nothing: Quire is free, and no API key is needed.
can I fall back to a server?|what if the model is too [big|large]?|what if my machine is too slow?|what if there is no WebGPU?|what happens without WebGPU?|how do I use a real server as fallback? => The fallback helper then sends requests to a vLLM server or any OpenAI-compatible one.
""".strip().splitlines()]
# More ways of asking, by the beginning of the answer.
MORE = dict(line.split(" => ") for line in """
Quire is an LLM engine => what kind of software is {Q}?|say something about {Q}|{Q} in one sentence|what should I know about {Q}?|can you introduce {Q}?|give me an overview of {Q}|I want to learn about {Q}|what sort of engine is {Q}?
No server is needed => must I run a server?|is a cloud service needed?|does anything run in the cloud?|server needed?|can {Q} do its work with no server?|do I have to deploy a backend?|is there anything to host?
Quire does its maths => what role has WebGPU?|WebGPU?|is the GPU used?|does the model run on my GPU?|what does {Q} do with WebGPU?|is {Q} built on WebGPU?|is the video card used by {Q}?|tell me how the GPU is used
WGSL is WebGPU's => WGSL?|what does WGSL mean?|what does WGSL stand for?|are the kernels in WGSL?|what language do the shaders use?|the kernels are written in what?
Quire is written in => TypeScript?|is the code JavaScript?|what is the source code written in?|which language do the developers use?|is it written in Rust?|programming language?
Continuous batching runs => continuous batching?|batching?|what does batching mean here?|can it answer many users at once?|are two requests run in parallel?|what happens when several requests arrive?|does {Q} process requests together?|why continuous batching?
A paged KV cache => paged KV cache?|KV cache?|what is the KV cache?|why are there pages?|where are keys and values kept?|what are the pages of the cache?|tell me how the paged cache works
Prefix caching lets => prefix caching?|what happens with a repeated system prompt?|are equal prompt beginnings shared?|why prefix caching?|is the system prompt computed each time?|can two requests share a prefix?|are prefixes cached?
Pass engine.fetch => OpenAI API?|engine.fetch?|how do I connect the OpenAI client?|is the API the same as OpenAI's?|what do I pass to the OpenAI client?|can OpenAI clients use {Q}?|what is the use of engine.fetch?|does the OpenAI library work with {Q}?
Run npm install => install?|npm?|how is {Q} installed?|what do I run to install {Q}?|installing {Q}|I want to install {Q}|installation instructions|what is the package called?|the command to install {Q}
Call createEngine => createEngine?|how is an engine created?|how do I use createEngine?|what do I call first?|how do I start?|code example|starting {Q} in code|which function starts {Q}?
Quire is open source => licence?|license?|what is the [licence|license]?|is the source open?|is it Apache?|am I allowed to use {Q} at work?|which open source licence?|tell me the licence of {Q}
Quire loads safetensors => formats?|GGUF?|safetensors?|does {Q} read GGUF?|is safetensors supported?|what weight files can {Q} read?|what kind of model files work?|must models be compiled first?
Yes: send tools => tools?|tool calling?|are tool calls supported?|does function calling work?|can the model use functions?|can I give the model tools?|how are tools called?|do models in {Q} get tools?
Quire separates => reasoning?|thinking?|is reasoning supported?|how do I turn thinking off?|what does {Q} do with think tags?|can I see the model's thoughts?|can thinking be disabled?|what about thinking models?
Yes: after the first load => offline?|PWA?|can it run with no network?|is it an installable app?|does the demo work without a connection?|will it still work when the network is gone?|offline support?
Your data stays => privacy?|what do you do with my data?|do my messages leave the browser?|is anything sent to a server?|is anything uploaded?|are my conversations private?|can anybody read what I write?|is my chat stored somewhere?
vLLM is a fast => vLLM?|explain vLLM|tell me about vLLM|what has {Q} to do with vLLM?|is {Q} a port of vLLM?|who is vLLM?
Quire runs Hugging Face => models?|supported models?|can {Q} run Qwen?|can I try a different model?|does Gemma work?|which model can I choose?|may I load a model from Hugging Face?|what models does it know?
Any browser with WebGPU => browsers?|Chrome?|does Safari work?|is Edge supported?|which browser is needed?|can I open it in Firefox?|is Chrome required?
It can run on phones => phone?|does {Q} run on Android?|is mobile supported?|can my tablet run it?|iPhone?
Speed depends => speed?|how quick is {Q}?|tokens per second?|how good is the performance?|does it run fast?|what is the speed?
Model files are kept => storage?|where is the model saved?|does it download the model again?|must I download the model every time?|where do downloaded models live?|are weights kept after closing the tab?
Yes: set stream => streaming?|can responses be streamed?|is there streaming?|does it send tokens one by one?|how do I get a stream?
The engine runs in a Web => worker?|does the page hang?|is the main thread blocked?|does the engine block the page?|will my page be slow?|where does the engine run?
With shared => tabs?|shared?|does {Q} share the model between tabs?|two tabs, one model?|can I open several tabs?|is one engine enough for all tabs?
If the GPU device => lost device?|what about a lost GPU?|what if the GPU crashes?|does it survive a GPU reset?|what happens after a device loss?
Yes: set response_format => JSON?|structured output?|can it answer in JSON?|how do I get valid JSON?|can I demand a schema?|response_format?
Quantised weights => quantisation?|4-bit?|do quantised models work?|can it load Q4 weights?|what are quantised weights?
Yes: clients such as => LangChain?|AI SDK?|does LangChain run on {Q}?|which SDKs can I use?|can I keep my client library?
This is Quire's demo => demo?|what is shown here?|what can I see on this page?|what is this chat?|what does this app do?
Quire needs the model's size => memory?|RAM?|how much memory is needed?|what are the memory needs?|is 4 GB of memory enough?
Yes: in Node => Node?|can it be used in Node?|does {Q} run under Node.js?|is Node possible?
Quire gives a web page => why {Q}?|what is good about {Q}?|what sets {Q} apart?|reasons to use {Q}?|advantages?|why not another engine?
The code is on GitHub => GitHub?|contribute?|where can I find the code?|I found a bug|how do I send a patch?
The starter model is => starter model?|what is the small model for?|why do you ship a tiny model?|what can the starter model be used for?
A token is => token?|tokens?|what do you mean by token?|tell me what a token is|define the word token
The scheduler decides => scheduler?|scheduling?|what is the job of the scheduler?|tell me about the scheduler|what decides the order of requests?
An LLM is => LLM?|what is meant by LLM?|define LLM|what are language models?
Nothing: Quire is free => price?|cost?|is there a price?|is it for free?|API key?|must I buy something?|does it need an API key?|what do I pay?
The fallback helper => fallback?|my GPU is too weak|what if WebGPU is missing?|and if my browser has no WebGPU?|can a server take over?|can I use vLLM as fallback?
""".strip().splitlines())
assert all(any(a.startswith(start) for _, a in TOPICS) for start in MORE)
TOPICS = [[ways + "".join("|" + more for start, more in MORE.items() if answer.startswith(start)), answer] for ways, answer in TOPICS]
LEADS = ("",) * 10 + ("please tell me: ", "hi, ", "quick question: ", "I wonder: ", "hey, ", "so ", "sorry, but ", "one question: ", "can you tell me: ")


def quire(rng, c):
    ways, answer = rng.choice(TOPICS)
    lead = rng.choice(LEADS)
    ways = ways.replace("{Q}", Q)
    c.user(ask(rng, lead + "[" + ways + "]"))
    c.assistant(answer)
