"""The BusinessTenant operator: one custom resource is one business on the phone and on WhatsApp."""
