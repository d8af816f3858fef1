"""Fine-tuning on the dataset: SO(8) algebra and gates, QLoRA, and the tiny base model that a CPU can train."""
