"""What a key may ask of a model: counted ahead of any refusal, together with other processes' calls."""
