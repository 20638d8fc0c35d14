"""WhatsApp Cloud API through Meta's Graph API: phone number, business profile and message templates."""
