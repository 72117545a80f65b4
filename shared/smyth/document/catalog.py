"""The names of the original's components (COMPONENTS section 0), run by this version or not."""

from __future__ import annotations

CATALOG: frozenset[str] = frozenset(
    {
        "APIEndpoint", "APIOutput",
        "PromptGenerator", "LLMPrompt", "GenAILLM", "VisionLLM", "MultimodalLLM", "LLMAssistant", "Classifier",
        "ServerlessCode", "ECMASandbox",
        "FHash", "FEncDec", "FSign", "FTimestamp", "JSONFilter", "FileStore",
        "LogicAND", "LogicOR", "LogicXOR", "LogicAtLeast", "LogicAtMost",
        "Component", "Note", "FSleep", "Async", "Await", "ForEach",
        "MemoryWriteKeyVal", "MemoryReadKeyVal", "MemoryDeleteKeyVal", "MemoryWriteObject",
        "DataSourceIndexer", "DataSourceLookup", "DataSourceCleaner",
        "APICall", "AgentPlugin", "OpenAPI", "GPTPlugin", "MCPClient", "HuggingFace", "ZapierAction",
        "TavilyWebSearch", "WebSearch", "ScrapflyWebScrape", "WebScrape", "ComponentHost",
        "ImageGenerator",
        "GmailTrigger", "WhatsAppTrigger", "JobSchedulerTrigger",
    }
)  # fmt: skip

#: Components at which a run can start without a value from another component.
TRIGGERS: frozenset[str] = frozenset({"GmailTrigger", "WhatsAppTrigger", "JobSchedulerTrigger"})
ENTRIES: frozenset[str] = TRIGGERS | {"APIEndpoint"}
