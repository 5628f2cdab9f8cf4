/**
 * The comparators of the paper that pre-train: its own method, attention-driven masking and throwing without labels (AMT), and
 * the masked autoencoder (MAE). Each is a set of defaults; every switch is a flag of its own.
 * Source: method.md section 7.
 */
export const PRETRAINING_METHODS = ["msmae", "amt", "mae"] as const;

/** Those and training from scratch. Only the first fine-tunes on the patches that its attention leaves. */
export const FINETUNING_METHODS = [...PRETRAINING_METHODS, "vit"] as const;
