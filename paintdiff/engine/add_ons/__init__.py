"""What is put on top of a loaded model: LoRAs, words, another autoencoder, ControlNets, image prompts."""
