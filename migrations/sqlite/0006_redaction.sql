-- Which conversation a kept body is about, so that it can go when somebody takes words of that conversation away. Of
-- bodies that could not be understood, only what they seem to be about.
ALTER TABLE notification_body ADD COLUMN conversation_id TEXT;

UPDATE notification_body SET conversation_id =
    (SELECT n.conversation_id FROM notification n WHERE n.app_id = notification_body.app_id AND n.id = notification_body.key);

CREATE INDEX notification_body_by_conversation ON notification_body (app_id, conversation_id)
    WHERE conversation_id IS NOT NULL;
