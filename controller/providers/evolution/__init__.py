"""Evolution API 2.3.7, the WhatsApp gateway."""
