-- What a host signed when it joined: the exact bytes and the signature, both base64url. Whoever admits a host verifies
-- them, so that nothing that this edge says of a host's keys need be believed. Empty for hosts that joined earlier.

ALTER TABLE hosts ADD COLUMN join_body TEXT;
ALTER TABLE hosts ADD COLUMN join_signature TEXT;
