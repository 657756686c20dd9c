-- The podcast's own tables. No server defaults but integer sequences, no index on status, age or owner,
-- naive timestamps written as UTC, JSON kept as text: what a console has to live with.

DO $$ BEGIN
    CREATE TYPE public.episodestatus AS ENUM ('pending', 'processing', 'awaiting_audio_decision', 'failed',
                                              'processed', 'completed', 'published', 'error');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

DO $$ BEGIN
    CREATE TYPE public.mediacategory AS ENUM ('intro', 'outro', 'music', 'commercial', 'sfx', 'main_content',
                                              'podcast_cover', 'episode_cover');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

CREATE TABLE IF NOT EXISTS public."user" (
    id uuid PRIMARY KEY,
    email varchar NOT NULL UNIQUE,
    hashed_password varchar NOT NULL,
    is_active boolean NOT NULL,
    is_admin boolean NOT NULL,
    role varchar(50),
    tier varchar NOT NULL,
    first_name varchar,
    last_name varchar,
    timezone varchar,
    created_at timestamp without time zone NOT NULL,
    last_login timestamp without time zone,
    is_deleted_view boolean NOT NULL
);

CREATE TABLE IF NOT EXISTS public.podcast (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    name varchar NOT NULL,
    slug varchar
);

CREATE TABLE IF NOT EXISTS public.episode (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    podcast_id uuid NOT NULL,
    template_id uuid,
    title varchar NOT NULL,
    status public.episodestatus NOT NULL,
    priority integer NOT NULL,
    final_audio_path varchar,
    gcs_audio_path varchar,
    working_audio_name varchar,
    spreaker_publish_error varchar,
    is_explicit boolean NOT NULL,
    has_numbering_conflict boolean NOT NULL,
    is_published_to_spreaker boolean NOT NULL,
    needs_republish boolean NOT NULL,
    auphonic_processed boolean NOT NULL,
    meta_json varchar,
    guest_intros json,
    audio_file_size integer,
    processed_at timestamp without time zone NOT NULL,
    created_at timestamp without time zone NOT NULL,
    publish_at timestamp without time zone
);

CREATE TABLE IF NOT EXISTS public.mediaitem (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    category public.mediacategory NOT NULL,
    filename varchar NOT NULL,
    filesize integer,
    created_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone,
    used_in_episode_id uuid,
    transcript_ready boolean NOT NULL,
    transcription_error varchar
);

CREATE TABLE IF NOT EXISTS public.transcriptionwatch (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    filename varchar NOT NULL,
    last_status varchar,
    created_at timestamp without time zone NOT NULL,
    notified_at timestamp without time zone
);

CREATE TABLE IF NOT EXISTS public.notification (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    type varchar NOT NULL,
    title varchar NOT NULL,
    body varchar,
    created_at timestamp without time zone NOT NULL,
    read_at timestamp without time zone
);

CREATE TABLE IF NOT EXISTS public.tierconfiguration (
    id serial PRIMARY KEY,
    tier_name varchar NOT NULL UNIQUE,
    display_name varchar NOT NULL,
    features_json varchar NOT NULL,
    created_at timestamp without time zone NOT NULL,
    updated_at timestamp without time zone NOT NULL
);

CREATE TABLE IF NOT EXISTS public.appsetting (
    key varchar PRIMARY KEY,
    value_json varchar NOT NULL,
    created_at timestamp without time zone NOT NULL,
    updated_at timestamp without time zone NOT NULL
);
