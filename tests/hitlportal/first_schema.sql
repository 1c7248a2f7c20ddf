ALTER TABLE ONLY public.approvals_absence
    ADD CONSTRAINT approvals_absence_delegate_id_537d1601_fk_auth_user_id FOREIGN KEY (delegate_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_absence
    ADD CONSTRAINT approvals_absence_noted_by_id_ae8571d3_fk_auth_user_id FOREIGN KEY (noted_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_absence
    ADD CONSTRAINT approvals_absence_person_id_0df3a7dd_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_absence
    ADD CONSTRAINT approvals_absence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_assessment
    ADD CONSTRAINT approvals_assessment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_assessment
    ADD CONSTRAINT approvals_assessment_revision_id_125ffe21_fk_approvals FOREIGN KEY (revision_id) REFERENCES public.approvals_revision(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_assessment
    ADD CONSTRAINT assessment_once_per_item UNIQUE (revision_id, item);

ALTER TABLE ONLY public.approvals_assignment
    ADD CONSTRAINT approvals_assignment_by_id_4904388b_fk_auth_user_id FOREIGN KEY (by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_assignment
    ADD CONSTRAINT approvals_assignment_pkey PRIMARY KEY (proposal_id);

ALTER TABLE ONLY public.approvals_assignment
    ADD CONSTRAINT approvals_assignment_proposal_id_504bc3c1_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_assignment
    ADD CONSTRAINT approvals_assignment_to_id_3f107897_fk_auth_user_id FOREIGN KEY (to_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_attempt
    ADD CONSTRAINT approvals_attempt_dispatch_id_e6eef80c_fk_approvals_dispatch_id FOREIGN KEY (dispatch_id) REFERENCES public.approvals_dispatch(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_attempt
    ADD CONSTRAINT approvals_attempt_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_attempt
    ADD CONSTRAINT attempt_once_per_fence UNIQUE (dispatch_id, fence);

ALTER TABLE ONLY public.approvals_callback
    ADD CONSTRAINT approvals_callback_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_callback
    ADD CONSTRAINT approvals_callback_proposal_id_738f4382_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_channelhealth
    ADD CONSTRAINT approvals_channelhealth_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.approvals_conflict
    ADD CONSTRAINT approvals_conflict_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_conflict
    ADD CONSTRAINT conflict_told_once UNIQUE (older_id, newer_id);

ALTER TABLE ONLY public.approvals_decision
    ADD CONSTRAINT approvals_decision_absence_id_f78d0594_fk_approvals_absence_id FOREIGN KEY (absence_id) REFERENCES public.approvals_absence(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decision
    ADD CONSTRAINT approvals_decision_by_id_ba72a32e_fk_auth_user_id FOREIGN KEY (by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decision
    ADD CONSTRAINT approvals_decision_on_behalf_of_id_4c32b8e4_fk_auth_user_id FOREIGN KEY (on_behalf_of_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decision
    ADD CONSTRAINT approvals_decision_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_decision
    ADD CONSTRAINT approvals_decision_proposal_id_11285530_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decision
    ADD CONSTRAINT approvals_decision_revision_id_b449f32f_fk_approvals FOREIGN KEY (revision_id) REFERENCES public.approvals_revision(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decisiontoken
    ADD CONSTRAINT approvals_decisionto_decision_id_18ef46b5_fk_approvals FOREIGN KEY (decision_id) REFERENCES public.approvals_decision(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decisiontoken
    ADD CONSTRAINT approvals_decisionto_proposal_id_23ef83e4_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decisiontoken
    ADD CONSTRAINT approvals_decisiontoken_decision_id_key UNIQUE (decision_id);

ALTER TABLE ONLY public.approvals_decisiontoken
    ADD CONSTRAINT approvals_decisiontoken_person_id_743a7bab_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_decisiontoken
    ADD CONSTRAINT approvals_decisiontoken_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.approvals_dispatch
    ADD CONSTRAINT approvals_dispatch_connector_id_40287729_fk_policies_ FOREIGN KEY (connector_id) REFERENCES public.policies_connector(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_dispatch
    ADD CONSTRAINT approvals_dispatch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_dispatch
    ADD CONSTRAINT approvals_dispatch_proposal_id_588565bf_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_dispatch
    ADD CONSTRAINT approvals_dispatch_revision_id_e0be27b7_fk_approvals FOREIGN KEY (revision_id) REFERENCES public.approvals_revision(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_dispatch
    ADD CONSTRAINT dispatch_once_per_revision_and_kind UNIQUE (revision_id, kind);

ALTER TABLE ONLY public.approvals_heartbeat
    ADD CONSTRAINT approvals_heartbeat_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_heartbeat
    ADD CONSTRAINT heartbeat_once_per_program_and_host UNIQUE (program, host);

ALTER TABLE ONLY public.approvals_historicalproposal
    ADD CONSTRAINT approvals_historical_history_user_id_c66d1ee6_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_historicalproposal
    ADD CONSTRAINT approvals_historicalproposal_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.approvals_idempotentanswer
    ADD CONSTRAINT answer_once_per_key UNIQUE (agent_id, key);

ALTER TABLE ONLY public.approvals_idempotentanswer
    ADD CONSTRAINT approvals_idempotent_agent_id_6a95f9e5_fk_policies_ FOREIGN KEY (agent_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_idempotentanswer
    ADD CONSTRAINT approvals_idempotentanswer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_lastshipped
    ADD CONSTRAINT approvals_lastshippe_proposal_id_7666adb0_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_lastshipped
    ADD CONSTRAINT approvals_lastshipped_pkey PRIMARY KEY (target);

ALTER TABLE ONLY public.approvals_limitdefinition
    ADD CONSTRAINT approvals_limitdefinition_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_limitdefinition
    ADD CONSTRAINT limit_defined_once UNIQUE (slug, digest);

ALTER TABLE ONLY public.approvals_limitentry
    ADD CONSTRAINT approvals_limitentry_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_limitentry
    ADD CONSTRAINT approvals_limitentry_running_id_e9ac8d78_fk_approvals FOREIGN KEY (running_id) REFERENCES public.approvals_limittotal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_limitentry
    ADD CONSTRAINT limit_counts_a_proposal_once UNIQUE (running_id, proposal_id);

ALTER TABLE ONLY public.approvals_limittotal
    ADD CONSTRAINT approvals_limittotal_definition_id_dd851c42_fk_approvals FOREIGN KEY (definition_id) REFERENCES public.approvals_limitdefinition(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_limittotal
    ADD CONSTRAINT approvals_limittotal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_limittotal
    ADD CONSTRAINT limit_one_total_per_scope UNIQUE (definition_id, scope, since);

ALTER TABLE ONLY public.approvals_notice
    ADD CONSTRAINT approvals_notice_person_id_02036fa9_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_notice
    ADD CONSTRAINT approvals_notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_notice
    ADD CONSTRAINT approvals_notice_proposal_id_7ce514ce_fk_approvals_proposal_id FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_notice
    ADD CONSTRAINT notice_once UNIQUE (person_id, proposal_id, kind);

ALTER TABLE ONLY public.approvals_noticedelivery
    ADD CONSTRAINT approvals_noticedeli_address_id_3112a4cd_fk_approvals FOREIGN KEY (address_id) REFERENCES public.approvals_outsideaddress(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_noticedelivery
    ADD CONSTRAINT approvals_noticedeli_proposal_id_fd7f1f95_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_noticedelivery
    ADD CONSTRAINT approvals_noticedelivery_person_id_ba7c012d_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_noticedelivery
    ADD CONSTRAINT approvals_noticedelivery_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_noticerule
    ADD CONSTRAINT approvals_noticerule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_noticerule
    ADD CONSTRAINT approvals_noticerule_role_id_b4b6d670_fk_auth_group_name FOREIGN KEY (role_id) REFERENCES public.auth_group(name) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_noticerule
    ADD CONSTRAINT approvals_noticerule_surface_id_d227fac9_fk_policies_ FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_noticerule
    ADD CONSTRAINT notice_rule_once UNIQUE NULLS NOT DISTINCT (kind, surface_id, role_id);

ALTER TABLE ONLY public.approvals_occasion
    ADD CONSTRAINT approvals_occasion_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_occasion
    ADD CONSTRAINT approvals_occasion_proposal_id_c155ec06_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_outcome
    ADD CONSTRAINT approvals_outcome_corrects_id_eee19dba_fk_approvals_outcome_id FOREIGN KEY (corrects_id) REFERENCES public.approvals_outcome(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_outcome
    ADD CONSTRAINT approvals_outcome_corrects_id_key UNIQUE (corrects_id);

ALTER TABLE ONLY public.approvals_outcome
    ADD CONSTRAINT approvals_outcome_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_outcome
    ADD CONSTRAINT approvals_outcome_proposal_id_cab55505_fk_approvals_proposal_id FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_outcome
    ADD CONSTRAINT approvals_outcome_reported_by_id_05a70173_fk_auth_user_id FOREIGN KEY (reported_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_outsideaddress
    ADD CONSTRAINT approvals_outsideaddress_name_key UNIQUE (name);

ALTER TABLE ONLY public.approvals_outsideaddress
    ADD CONSTRAINT approvals_outsideaddress_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_outsideaddress_surfaces
    ADD CONSTRAINT approvals_outsideadd_outsideaddress_id_56994c4d_fk_approvals FOREIGN KEY (outsideaddress_id) REFERENCES public.approvals_outsideaddress(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_outsideaddress_surfaces
    ADD CONSTRAINT approvals_outsideadd_surface_id_cd316582_fk_policies_ FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_outsideaddress_surfaces
    ADD CONSTRAINT approvals_outsideaddress_outsideaddress_id_surfac_c1a5111e_uniq UNIQUE (outsideaddress_id, surface_id);

ALTER TABLE ONLY public.approvals_outsideaddress_surfaces
    ADD CONSTRAINT approvals_outsideaddress_surfaces_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_preference
    ADD CONSTRAINT approvals_preference_person_id_9f92fb5d_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_preference
    ADD CONSTRAINT approvals_preference_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_preference
    ADD CONSTRAINT preference_once UNIQUE (person_id, kind, channel);

ALTER TABLE ONLY public.approvals_presence
    ADD CONSTRAINT approvals_presence_person_id_26b5be3b_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_presence
    ADD CONSTRAINT approvals_presence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_presence
    ADD CONSTRAINT approvals_presence_proposal_id_13b86309_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_presence
    ADD CONSTRAINT presence_once_per_person UNIQUE (proposal_id, person_id);

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_agent_id_47d3955f_fk_policies_agent_slug FOREIGN KEY (agent_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_agent_owner_id_4fd8f047_fk_auth_user_id FOREIGN KEY (agent_owner_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_key_issuer_id_f00b68b9_fk_auth_user_id FOREIGN KEY (key_issuer_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_owner_id_9de853bd_fk_auth_group_name FOREIGN KEY (owner_id) REFERENCES public.auth_group(name) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_revision_id_9701d927_fk_approvals FOREIGN KEY (revision_id) REFERENCES public.approvals_revision(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_surface_id_fbaf43c4_fk_policies_surface_slug FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_tier_id_1e509d1d_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_proposal
    ADD CONSTRAINT approvals_proposal_verdict_id_775cb499_fk_approvals_verdict_id FOREIGN KEY (verdict_id) REFERENCES public.approvals_verdict(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_reachability
    ADD CONSTRAINT approvals_reachability_person_id_644f94e9_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_reachability
    ADD CONSTRAINT approvals_reachability_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY public.approvals_reevaluation
    ADD CONSTRAINT approvals_reevaluati_proposal_id_48bb8d79_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_reevaluation
    ADD CONSTRAINT approvals_reevaluati_revision_id_aeb935e5_fk_approvals FOREIGN KEY (revision_id) REFERENCES public.approvals_revision(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_reevaluation
    ADD CONSTRAINT approvals_reevaluati_version_id_d9ff0641_fk_policies_ FOREIGN KEY (version_id) REFERENCES public.policies_policyversion(number) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_reevaluation
    ADD CONSTRAINT approvals_reevaluation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_reevaluation
    ADD CONSTRAINT approvals_reevaluation_tier_id_51fe1657_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_reportdelivery
    ADD CONSTRAINT approvals_reportdelivery_person_id_71c6c609_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_reportdelivery
    ADD CONSTRAINT approvals_reportdelivery_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_reportdelivery
    ADD CONSTRAINT report_once UNIQUE (person_id, day, channel);

ALTER TABLE ONLY public.approvals_revision
    ADD CONSTRAINT approvals_revision_agent_id_a7a22378_fk_policies_agent_slug FOREIGN KEY (agent_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_revision
    ADD CONSTRAINT approvals_revision_agent_owner_id_2d155a67_fk_auth_user_id FOREIGN KEY (agent_owner_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_revision
    ADD CONSTRAINT approvals_revision_author_id_3e1ca7df_fk_auth_user_id FOREIGN KEY (author_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_revision
    ADD CONSTRAINT approvals_revision_key_issuer_id_4a728612_fk_auth_user_id FOREIGN KEY (key_issuer_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_revision
    ADD CONSTRAINT approvals_revision_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_revision
    ADD CONSTRAINT approvals_revision_proposal_id_a0cb6c14_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_revision
    ADD CONSTRAINT revision_numbered_once UNIQUE (proposal_id, number);

ALTER TABLE ONLY public.approvals_sample
    ADD CONSTRAINT approvals_sample_by_id_96d69c80_fk_auth_user_id FOREIGN KEY (by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_sample
    ADD CONSTRAINT approvals_sample_pkey PRIMARY KEY (proposal_id);

ALTER TABLE ONLY public.approvals_sample
    ADD CONSTRAINT approvals_sample_proposal_id_5a399b28_fk_approvals_proposal_id FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_savedfilter
    ADD CONSTRAINT approvals_savedfilter_person_id_57e66c43_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_savedfilter
    ADD CONSTRAINT approvals_savedfilter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_savedfilter
    ADD CONSTRAINT saved_filter_once_per_name UNIQUE (person_id, name);

ALTER TABLE ONLY public.approvals_slackanswer
    ADD CONSTRAINT approvals_slackanswer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_slackcall
    ADD CONSTRAINT approvals_slackcall_pkey PRIMARY KEY (signature);

ALTER TABLE ONLY public.approvals_slacklink
    ADD CONSTRAINT approvals_slacklink_person_id_c53fd644_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_slacklink
    ADD CONSTRAINT approvals_slacklink_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY public.approvals_slacklink
    ADD CONSTRAINT approvals_slacklink_slack_user_key UNIQUE (slack_user);

ALTER TABLE ONLY public.approvals_slackmessage
    ADD CONSTRAINT approvals_slackmessa_proposal_id_4fd1d206_fk_approvals FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_slackmessage
    ADD CONSTRAINT approvals_slackmessage_person_id_3c86327a_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_slackmessage
    ADD CONSTRAINT approvals_slackmessage_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_slackmessage
    ADD CONSTRAINT slack_message_once UNIQUE (slack_channel, slack_ts);

ALTER TABLE ONLY public.approvals_snooze
    ADD CONSTRAINT approvals_snooze_person_id_ac8c0543_fk_auth_user_id FOREIGN KEY (person_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_snooze
    ADD CONSTRAINT approvals_snooze_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_snooze
    ADD CONSTRAINT approvals_snooze_proposal_id_26db3a14_fk_approvals_proposal_id FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_snooze
    ADD CONSTRAINT snooze_once_per_person UNIQUE (person_id, proposal_id);

ALTER TABLE ONLY public.approvals_timer
    ADD CONSTRAINT approvals_timer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_timer
    ADD CONSTRAINT approvals_timer_proposal_id_d30099be_fk_approvals_proposal_id FOREIGN KEY (proposal_id) REFERENCES public.approvals_proposal(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_timer
    ADD CONSTRAINT timer_one_per_level UNIQUE (proposal_id, kind, level);

ALTER TABLE ONLY public.approvals_upload
    ADD CONSTRAINT approvals_upload_agent_id_d03f75bb_fk_policies_agent_slug FOREIGN KEY (agent_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_upload
    ADD CONSTRAINT approvals_upload_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_upload
    ADD CONSTRAINT approvals_upload_surface_id_595b7006_fk_policies_surface_slug FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_uploadchunk
    ADD CONSTRAINT approvals_uploadchunk_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_uploadchunk
    ADD CONSTRAINT approvals_uploadchunk_upload_id_c6bce9fe_fk_approvals_upload_id FOREIGN KEY (upload_id) REFERENCES public.approvals_upload(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_uploadchunk
    ADD CONSTRAINT upload_chunk_once UNIQUE (upload_id, number);

ALTER TABLE ONLY public.approvals_uploadscan
    ADD CONSTRAINT approvals_uploadscan_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_uploadscan
    ADD CONSTRAINT approvals_uploadscan_upload_id_0383f374_fk_approvals_upload_id FOREIGN KEY (upload_id) REFERENCES public.approvals_upload(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_uploadscan
    ADD CONSTRAINT upload_scan_once UNIQUE (upload_id, checks_digest);

ALTER TABLE ONLY public.approvals_verdict
    ADD CONSTRAINT approvals_verdict_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.approvals_verdict
    ADD CONSTRAINT approvals_verdict_policy_version_id_d6d0adb9_fk_policies_ FOREIGN KEY (policy_version_id) REFERENCES public.policies_policyversion(number) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_verdict
    ADD CONSTRAINT approvals_verdict_revision_id_fdba3f25_fk_approvals_revision_id FOREIGN KEY (revision_id) REFERENCES public.approvals_revision(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.approvals_verdict
    ADD CONSTRAINT approvals_verdict_tier_id_f613a5cd_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.hitlportal_linkrequest
    ADD CONSTRAINT hitlportal_linkrequest_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_accesschange
    ADD CONSTRAINT policies_accesschange_by_id_64e9e98a_fk_auth_user_id FOREIGN KEY (by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_accesschange
    ADD CONSTRAINT policies_accesschange_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_activation
    ADD CONSTRAINT policies_activation_by_id_b4aad7c1_fk_auth_user_id FOREIGN KEY (by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_activation
    ADD CONSTRAINT policies_activation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_activation
    ADD CONSTRAINT policies_activation_version_id_bdd3fac8_fk_policies_ FOREIGN KEY (version_id) REFERENCES public.policies_policyversion(number) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_agent
    ADD CONSTRAINT policies_agent_owner_id_5d332ee2_fk_auth_user_id FOREIGN KEY (owner_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_agent
    ADD CONSTRAINT policies_agent_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_apikey
    ADD CONSTRAINT policies_apikey_agent_id_404329d7_fk_policies_agent_slug FOREIGN KEY (agent_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_apikey
    ADD CONSTRAINT policies_apikey_created_by_id_b338a470_fk_auth_user_id FOREIGN KEY (created_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_apikey
    ADD CONSTRAINT policies_apikey_loosening_id_7b23541a_fk_policies_loosening_id FOREIGN KEY (loosening_id) REFERENCES public.policies_loosening(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_apikey
    ADD CONSTRAINT policies_apikey_loosening_id_key UNIQUE (loosening_id);

ALTER TABLE ONLY public.policies_apikey
    ADD CONSTRAINT policies_apikey_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_apikey
    ADD CONSTRAINT policies_apikey_prefix_key UNIQUE (prefix);

ALTER TABLE ONLY public.policies_calendar
    ADD CONSTRAINT policies_calendar_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_connector
    ADD CONSTRAINT policies_connector_executor_id_e47e1ad4_fk_policies_agent_slug FOREIGN KEY (executor_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_connector
    ADD CONSTRAINT policies_connector_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_escalation
    ADD CONSTRAINT escalation_one_per_level UNIQUE (surface_id, level);

ALTER TABLE ONLY public.policies_escalation
    ADD CONSTRAINT policies_escalation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_escalation
    ADD CONSTRAINT policies_escalation_role_id_a87f4be1_fk_auth_group_name FOREIGN KEY (role_id) REFERENCES public.auth_group(name) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_escalation
    ADD CONSTRAINT policies_escalation_surface_id_7fd62d91_fk_policies_ FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_guardrail
    ADD CONSTRAINT policies_guardrail_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_guardrail
    ADD CONSTRAINT policies_guardrail_tier_id_2a389f3a_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalagent
    ADD CONSTRAINT policies_historicala_history_user_id_c06ed04d_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalagent
    ADD CONSTRAINT policies_historicalagent_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalcalendar
    ADD CONSTRAINT policies_historicalc_history_user_id_7be2e413_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalcalendar
    ADD CONSTRAINT policies_historicalcalendar_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalconnector
    ADD CONSTRAINT policies_historicalc_history_user_id_64c0c09a_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalconnector
    ADD CONSTRAINT policies_historicalconnector_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalescalation
    ADD CONSTRAINT policies_historicale_history_user_id_c12bfe7b_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalescalation
    ADD CONSTRAINT policies_historicalescalation_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalguardrail
    ADD CONSTRAINT policies_historicalg_history_user_id_ee7d40c6_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalguardrail
    ADD CONSTRAINT policies_historicalguardrail_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalkillswitch
    ADD CONSTRAINT policies_historicalk_history_user_id_cc0c85b3_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalkillswitch
    ADD CONSTRAINT policies_historicalkillswitch_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicallimit
    ADD CONSTRAINT policies_historicall_history_user_id_bbb4f97e_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicallimit
    ADD CONSTRAINT policies_historicallimit_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalmandate
    ADD CONSTRAINT policies_historicalm_history_user_id_e8ae7ce2_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalmandate
    ADD CONSTRAINT policies_historicalmandate_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalpolicytest
    ADD CONSTRAINT policies_historicalp_history_user_id_74572c4d_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalpolicytest
    ADD CONSTRAINT policies_historicalpolicytest_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalrequirement
    ADD CONSTRAINT policies_historicalr_history_user_id_5a784fe1_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalrequirement
    ADD CONSTRAINT policies_historicalrequirement_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalrule
    ADD CONSTRAINT policies_historicalr_history_user_id_2c5ab69b_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalrule
    ADD CONSTRAINT policies_historicalrule_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicalsurface
    ADD CONSTRAINT policies_historicals_history_user_id_53e1628b_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicalsurface
    ADD CONSTRAINT policies_historicalsurface_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicaltier
    ADD CONSTRAINT policies_historicalt_history_user_id_b3f95c38_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicaltier
    ADD CONSTRAINT policies_historicaltier_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_historicaltuning
    ADD CONSTRAINT policies_historicalt_history_user_id_96a0aa42_fk_auth_user FOREIGN KEY (history_user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_historicaltuning
    ADD CONSTRAINT policies_historicaltuning_pkey PRIMARY KEY (history_id);

ALTER TABLE ONLY public.policies_killswitch
    ADD CONSTRAINT policies_killswitch_agent_id_c99f28cb_fk_policies_agent_slug FOREIGN KEY (agent_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_killswitch
    ADD CONSTRAINT policies_killswitch_agent_id_key UNIQUE (agent_id);

ALTER TABLE ONLY public.policies_killswitch
    ADD CONSTRAINT policies_killswitch_engaged_by_id_2e90ba2c_fk_auth_user_id FOREIGN KEY (engaged_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_killswitch
    ADD CONSTRAINT policies_killswitch_pkey PRIMARY KEY (scope);

ALTER TABLE ONLY public.policies_killswitch
    ADD CONSTRAINT policies_killswitch_surface_id_957403f0_fk_policies_ FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_killswitch
    ADD CONSTRAINT policies_killswitch_surface_id_key UNIQUE (surface_id);

ALTER TABLE ONLY public.policies_limit
    ADD CONSTRAINT policies_limit_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_limit
    ADD CONSTRAINT policies_limit_tier_id_7d9b0f06_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_limit
    ADD CONSTRAINT policies_limit_warning_tier_id_5c7a1d9e_fk_policies_tier_slug FOREIGN KEY (warning_tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_loosening
    ADD CONSTRAINT policies_loosening_answered_by_id_a81437be_fk_auth_user_id FOREIGN KEY (answered_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_loosening
    ADD CONSTRAINT policies_loosening_asked_by_id_46ad00f4_fk_auth_user_id FOREIGN KEY (asked_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_loosening
    ADD CONSTRAINT policies_loosening_base_id_5821d6a6_fk_policies_ FOREIGN KEY (base_id) REFERENCES public.policies_policyversion(number) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_loosening
    ADD CONSTRAINT policies_loosening_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_mandate
    ADD CONSTRAINT mandate_one_per_agent_and_surface UNIQUE (agent_id, surface_id);

ALTER TABLE ONLY public.policies_mandate
    ADD CONSTRAINT policies_mandate_agent_id_d1e35cd5_fk_policies_agent_slug FOREIGN KEY (agent_id) REFERENCES public.policies_agent(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_mandate
    ADD CONSTRAINT policies_mandate_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_mandate
    ADD CONSTRAINT policies_mandate_surface_id_0d48c6a4_fk_policies_surface_slug FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_mandate
    ADD CONSTRAINT policies_mandate_tier_id_e29fa115_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_policytest
    ADD CONSTRAINT policies_policytest_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_policyversion
    ADD CONSTRAINT policies_policyversion_created_by_id_0c6eef22_fk_auth_user_id FOREIGN KEY (created_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_policyversion
    ADD CONSTRAINT policies_policyversion_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.policies_replayrun
    ADD CONSTRAINT policies_replayrun_asked_by_id_639eda8b_fk_auth_user_id FOREIGN KEY (asked_by_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_replayrun
    ADD CONSTRAINT policies_replayrun_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_requirement
    ADD CONSTRAINT policies_requirement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_requirement
    ADD CONSTRAINT policies_requirement_role_id_d2ebba7b_fk_auth_group_name FOREIGN KEY (role_id) REFERENCES public.auth_group(name) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_requirement
    ADD CONSTRAINT policies_requirement_surface_id_73aa3e75_fk_policies_ FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_requirement
    ADD CONSTRAINT policies_requirement_tier_id_448f6c0d_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_requirement
    ADD CONSTRAINT requirement_said_once UNIQUE NULLS NOT DISTINCT (surface_id, tier_id, stage, name, role_id);

ALTER TABLE ONLY public.policies_rule
    ADD CONSTRAINT policies_rule_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_rule
    ADD CONSTRAINT policies_rule_tier_id_bc4c09fa_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_surface
    ADD CONSTRAINT policies_surface_calendar_id_39d587ca_fk_policies_calendar_slug FOREIGN KEY (calendar_id) REFERENCES public.policies_calendar(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_surface
    ADD CONSTRAINT policies_surface_connector_id_1769bb16_fk_policies_ FOREIGN KEY (connector_id) REFERENCES public.policies_connector(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_surface
    ADD CONSTRAINT policies_surface_floor_id_e444bd94_fk_policies_tier_slug FOREIGN KEY (floor_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_surface
    ADD CONSTRAINT policies_surface_owner_id_6486117a_fk_auth_group_name FOREIGN KEY (owner_id) REFERENCES public.auth_group(name) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_surface
    ADD CONSTRAINT policies_surface_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_surface
    ADD CONSTRAINT policies_surface_senior_tier_id_ca0784db_fk_policies_tier_slug FOREIGN KEY (senior_tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_surface
    ADD CONSTRAINT policies_surface_tier_id_2b7b669d_fk_policies_tier_slug FOREIGN KEY (tier_id) REFERENCES public.policies_tier(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_tier
    ADD CONSTRAINT policies_tier_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.policies_tier
    ADD CONSTRAINT policies_tier_rank_key UNIQUE (rank);

ALTER TABLE ONLY public.policies_tuning
    ADD CONSTRAINT policies_tuning_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policies_tuning
    ADD CONSTRAINT policies_tuning_role_id_eb1e36f0_fk_auth_group_name FOREIGN KEY (role_id) REFERENCES public.auth_group(name) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_tuning
    ADD CONSTRAINT policies_tuning_surface_id_b77e450e_fk_policies_surface_slug FOREIGN KEY (surface_id) REFERENCES public.policies_surface(slug) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.policies_tuning
    ADD CONSTRAINT tuning_once_per_role_and_surface UNIQUE (role_id, surface_id);

ALTER TABLE ONLY public.portal_cache
    ADD CONSTRAINT portal_cache_pkey PRIMARY KEY (cache_key);

ALTER TABLE public.approvals_absence ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_absence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_assessment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_assessment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_attempt ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_conflict ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_conflict_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_heartbeat ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_heartbeat_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_historicalproposal ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_historicalproposal_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_idempotentanswer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_idempotentanswer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_limitdefinition ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_limitdefinition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_limitentry ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_limitentry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_limittotal ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_limittotal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_noticerule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_noticerule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_outsideaddress ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_outsideaddress_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_outsideaddress_surfaces ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_outsideaddress_surfaces_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_preference ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_preference_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_presence ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_presence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_reevaluation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_reevaluation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_savedfilter ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_savedfilter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_snooze ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_snooze_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_timer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_timer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_uploadchunk ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_uploadchunk_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.approvals_uploadscan ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.approvals_uploadscan_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.audit_entry ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.audit_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.hitlportal_linkrequest ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.hitlportal_linkrequest_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_accesschange ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_accesschange_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_activation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_activation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_apikey ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_apikey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_escalation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_escalation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalagent ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalagent_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalcalendar ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalcalendar_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalconnector ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalconnector_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalescalation ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalescalation_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalguardrail ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalguardrail_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalkillswitch ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalkillswitch_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicallimit ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicallimit_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalmandate ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalmandate_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalpolicytest ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalpolicytest_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalrequirement ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalrequirement_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalrule ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalrule_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicalsurface ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicalsurface_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicaltier ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicaltier_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_historicaltuning ALTER COLUMN history_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_historicaltuning_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_loosening ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_loosening_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_mandate ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_mandate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_policyversion ALTER COLUMN number ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_policyversion_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_replayrun ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_replayrun_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_requirement ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_requirement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.policies_tuning ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.policies_tuning_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

COMMENT ON TRIGGER pgtrigger_append_only_a6b88 ON public.audit_entry IS '1b389f8260e22d0fbf38b4ff1e20214212b176ee';

COMMENT ON TRIGGER pgtrigger_asked_once_3bd0d ON public.approvals_proposal IS '919254e99ac22e2fac91d4a21b44a11ed50c4e18';

COMMENT ON TRIGGER pgtrigger_attempt_never_deleted_3cd00 ON public.approvals_attempt IS '23104afb011d58dd9dfbc7256e725baf1942734b';

COMMENT ON TRIGGER pgtrigger_attempt_same_try_bf8a2 ON public.approvals_attempt IS 'f948d44076794ff200c427b8fb434241af28f174';

COMMENT ON TRIGGER pgtrigger_bound_for_good_ca7fb ON public.approvals_decisiontoken IS 'c8a836a97a0dc422b678c3a596ad77ea84989768';

COMMENT ON TRIGGER pgtrigger_cancelled_once_8f620 ON public.approvals_absence IS '425543bb56e58cab9cb95697fd92125ecd88d014';

COMMENT ON TRIGGER pgtrigger_copied_once_22744 ON public.approvals_timer IS '2ac296892ab75f989cb85c05536546174af58fd3';

COMMENT ON TRIGGER pgtrigger_dispatch_legal_edges_9a90f ON public.approvals_dispatch IS '1d098f89025022fe31c6203e9be7cfd4964aab6f';

COMMENT ON TRIGGER pgtrigger_dispatch_never_deleted_606d0 ON public.approvals_dispatch IS '17149f20c40a8ad9c2c9adad4046340469c92a15';

COMMENT ON TRIGGER pgtrigger_dispatch_same_work_8663e ON public.approvals_dispatch IS '3d4e134f0d65e78535d37bcca025daf26031b32e';

COMMENT ON TRIGGER pgtrigger_fires_once_71031 ON public.approvals_timer IS '8fdb24f0ed93ae80cbad3ac454cd4b72a1ad6857';

COMMENT ON TRIGGER pgtrigger_has_a_kill_switch_202de ON public.policies_surface IS 'd54059ad728e481323798a3c04c5a3e95ce1f4e4';

COMMENT ON TRIGGER pgtrigger_has_a_kill_switch_6941c ON public.policies_agent IS 'f6979b72a13f5169a9976eaae2b7125554ad3dd0';

COMMENT ON TRIGGER pgtrigger_immutable_2d59d ON public.approvals_outcome IS '3df6642dbefe52b96b83cd8d98572d8709b5d9e1';

COMMENT ON TRIGGER pgtrigger_immutable_44a0d ON public.policies_activation IS 'fb2e9f3831d0de21c9b36b699e3b72b7a58b60af';

COMMENT ON TRIGGER pgtrigger_immutable_44daa ON public.policies_accesschange IS '6e65d6725c3c665dac8a7253c3ad74b6552684e6';

COMMENT ON TRIGGER pgtrigger_immutable_7ba56 ON public.approvals_assessment IS 'a5a237790c33204fa8d104268843b4cfca0ad489';

COMMENT ON TRIGGER pgtrigger_immutable_856aa ON public.approvals_verdict IS 'b6ae957b4fc22955fb222afd01e05691767f7bbf';

COMMENT ON TRIGGER pgtrigger_immutable_891de ON public.policies_policyversion IS 'ea06aa07adb0acce15efbd0f763ad14055597fb3';

COMMENT ON TRIGGER pgtrigger_immutable_9fe38 ON public.approvals_decision IS '13a5e8ffd3b5fcd6ea3f0fc8ad2a7d556099e7db';

COMMENT ON TRIGGER pgtrigger_immutable_cc558 ON public.approvals_revision IS 'df14a61e97aca4f27ed2e747d931e573203ec2f6';

COMMENT ON TRIGGER pgtrigger_legal_edges_23a34 ON public.approvals_proposal IS 'ae5b6463305fdf19bd3e2ec1897e87faed5cfecb';

COMMENT ON TRIGGER pgtrigger_loosening_answered_once_49e10 ON public.policies_loosening IS '16c24d04fa6d247593382fcb348b017c0e16a82e';

COMMENT ON TRIGGER pgtrigger_loosening_never_deleted_c2ac4 ON public.policies_loosening IS '9fe5c88f40b35918b015c78a1ae7132acd7d4961';

COMMENT ON TRIGGER pgtrigger_loosening_same_change_84926 ON public.policies_loosening IS 'dcd2336bd39f24af58db12adec9bcc2611a8acf1';

COMMENT ON TRIGGER pgtrigger_never_deleted_2cce8 ON public.approvals_timer IS '4d6984a63d668eae3486a88a25528f0dda07c5f5';

COMMENT ON TRIGGER pgtrigger_never_deleted_31491 ON public.approvals_proposal IS 'efbe099e33eb1d92570c57c155813749e96eb7d5';

COMMENT ON TRIGGER pgtrigger_never_deleted_4a3c8 ON public.approvals_absence IS 'e31a8ba6a839170c3e8e1befe5defc1889471bf3';

COMMENT ON TRIGGER pgtrigger_never_deleted_f9166 ON public.policies_killswitch IS '0da0a59a4d84c097f88fec40395c0ef705430dfe';

COMMENT ON TRIGGER pgtrigger_noted_once_32185 ON public.approvals_absence IS '25b53d3fa34b7695f39fe9d41cbcb8269bd80552';

COMMENT ON TRIGGER pgtrigger_reevaluation_immutable_26a88 ON public.approvals_reevaluation IS '1132e0a506208494d1839545df7aefc8c3fe1b57';

COMMENT ON TRIGGER pgtrigger_replay_edges_91408 ON public.policies_replayrun IS '1f6d51f26306fc93018709826e475a8b216e2f4a';

COMMENT ON TRIGGER pgtrigger_replay_same_question_292de ON public.policies_replayrun IS '67abe0895aed934e677ccd525d3f6acbadd65230';

COMMENT ON TRIGGER pgtrigger_starts_at_the_beginning_69f70 ON public.approvals_proposal IS '5f6d6994d956be40b0704bf057b712e7e294e858';

COMMENT ON TRIGGER pgtrigger_upload_chunk_before_use_40fdf ON public.approvals_uploadchunk IS '7a271b09f79c0a3eeed6ff76681b437729309460';

COMMENT ON TRIGGER pgtrigger_upload_chunk_immutable_de9a0 ON public.approvals_uploadchunk IS '829776de547b6305de50e4768d5e576a3729e71c';

COMMENT ON TRIGGER pgtrigger_upload_chunk_kept_once_used_cd9ef ON public.approvals_uploadchunk IS 'd81a0806aba5cda0ce361e9621ef49baaae153cd';

COMMENT ON TRIGGER pgtrigger_upload_kept_once_used_bbbd5 ON public.approvals_upload IS '480ca02f885bd79fe9cb6b9c06d035fefcec0f38';

COMMENT ON TRIGGER pgtrigger_upload_of_one_proposal_e872a ON public.approvals_upload IS 'b5ee60f96baf2125385e40140fc24020abbc454e';

COMMENT ON TRIGGER pgtrigger_upload_same_rows_4a2d0 ON public.approvals_upload IS '49c16b0aa674771efb47d5f4dcb1fec7a013f546';

COMMENT ON TRIGGER pgtrigger_upload_scan_immutable_d75de ON public.approvals_uploadscan IS '413d6b38df044d3b119991a90e9c06ad6d665bdc';

COMMENT ON TRIGGER pgtrigger_used_once_21325 ON public.approvals_decisiontoken IS 'd7cffae12520070412346e15c50286ab985837e2';

COMMENT ON TRIGGER pgtrigger_who_is_close_stays_close_4b46f ON public.approvals_proposal IS 'f854a3e9a45c16fcdc58c4f313a4e6482a1e61d6';

CREATE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
                DECLARE
                    _pgtrigger_ignore TEXT[];
                    _result BOOLEAN;
                BEGIN
                    BEGIN
                        SELECT INTO _pgtrigger_ignore
                            CURRENT_SETTING('pgtrigger.ignore');
                        EXCEPTION WHEN OTHERS THEN
                    END;
                    IF _pgtrigger_ignore IS NOT NULL THEN
                        SELECT trigger_name = ANY(_pgtrigger_ignore)
                        INTO _result;
                        RETURN _result;
                    ELSE
                        RETURN FALSE;
                    END IF;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_append_only_a6b88() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_asked_once_3bd0d() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_attempt_never_deleted_3cd00() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_attempt_same_try_bf8a2() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_bound_for_good_ca7fb() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_cancelled_once_8f620() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_copied_once_22744() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_dispatch_legal_edges_9a90f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                DECLARE _is_valid_transition BOOLEAN;
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    SELECT CONCAT(OLD."status", ':', NEW."status") = ANY('{waiting:claimed,waiting:cancelled,waiting:failed,claimed:waiting,claimed:delivered,claimed:failed,failed:waiting,failed:cancelled,claimed:cancelled,cancelled:waiting}'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION 'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_dispatch_never_deleted_606d0() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_dispatch_same_work_8663e() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_fires_once_71031() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_has_a_kill_switch_202de() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO policies_killswitch (scope, surface_id, is_engaged, reason, engaged_by_name) VALUES ('surface:' || NEW.slug, NEW.slug, false, '', '') ON CONFLICT DO NOTHING; RETURN NULL;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_has_a_kill_switch_6941c() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    INSERT INTO policies_killswitch (scope, agent_id, is_engaged, reason, engaged_by_name) VALUES ('agent:' || NEW.slug, NEW.slug, false, '', '') ON CONFLICT DO NOTHING; RETURN NULL;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_2d59d() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_44a0d() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_44daa() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_7ba56() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_856aa() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_891de() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_9fe38() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_immutable_cc558() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_legal_edges_23a34() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                DECLARE _is_valid_transition BOOLEAN;
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    SELECT CONCAT(OLD."state", ':', NEW."state") = ANY('{pending:edited,pending:approved,pending:rejected,pending:returned,pending:taken_over,edited:approved,edited:rejected,edited:returned,edited:taken_over,pending:blocked,pending:withdrawn,pending:expired,edited:blocked,edited:withdrawn,edited:expired,returned:blocked,returned:withdrawn,returned:expired,returned:pending,approved:pending,rejected:pending,approved:shipped,approved:failed,approved:withdrawn,approved:expired,failed:approved,failed:pending,shipped:rolled_back}'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION 'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_loosening_answered_once_49e10() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                DECLARE _is_valid_transition BOOLEAN;
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    SELECT CONCAT(OLD."status", ':', NEW."status") = ANY('{waiting:done,waiting:refused,waiting:outdated}'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION 'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_loosening_never_deleted_c2ac4() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_loosening_same_change_84926() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_never_deleted_2cce8() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_never_deleted_31491() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_never_deleted_4a3c8() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_never_deleted_f9166() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_noted_once_32185() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_reevaluation_immutable_26a88() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_replay_edges_91408() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                DECLARE _is_valid_transition BOOLEAN;
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    SELECT CONCAT(OLD."status", ':', NEW."status") = ANY('{waiting:running,running:done,running:failed}'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION 'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_replay_same_question_292de() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_starts_at_the_beginning_69f70() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_upload_chunk_before_use_40fdf() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
    IF EXISTS (SELECT 1 FROM approvals_upload WHERE id = NEW.upload_id AND proposal_id IS NOT NULL) THEN
        RAISE EXCEPTION 'The rows of a proposal never change.';
    END IF;
    RETURN NEW;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_upload_chunk_immutable_de9a0() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_upload_chunk_kept_once_used_cd9ef() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
    IF EXISTS (SELECT 1 FROM approvals_upload WHERE id = OLD.upload_id AND proposal_id IS NOT NULL) THEN
        RAISE EXCEPTION 'The rows of a proposal never change.';
    END IF;
    RETURN OLD;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_upload_kept_once_used_bbbd5() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_upload_of_one_proposal_e872a() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_upload_same_rows_4a2d0() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_upload_scan_immutable_d75de() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_used_once_21325() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE FUNCTION public.pgtrigger_who_is_close_stays_close_4b46f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
                BEGIN
                    IF ("public"._pgtrigger_should_ignore(TG_NAME) IS TRUE) THEN
                        IF (TG_OP = 'DELETE') THEN
                            RETURN OLD;
                        ELSE
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                END;
            $$;

CREATE INDEX absence_by_delegate ON public.approvals_absence USING btree (delegate_id, ends_at) WHERE ((cancelled_at IS NULL) AND (delegate_id IS NOT NULL));

CREATE INDEX access_change_by_subject ON public.policies_accesschange USING btree (subject, id DESC);

CREATE INDEX answer_by_age ON public.approvals_idempotentanswer USING btree (created_at);

CREATE INDEX approvals_absence_person_id_0df3a7dd ON public.approvals_absence USING btree (person_id);

CREATE INDEX approvals_assignment_by_id_4904388b ON public.approvals_assignment USING btree (by_id);

CREATE INDEX approvals_assignment_to_id_3f107897 ON public.approvals_assignment USING btree (to_id);

CREATE INDEX approvals_callback_proposal_id_738f4382 ON public.approvals_callback USING btree (proposal_id);

CREATE INDEX approvals_channelhealth_lane_482176da_like ON public.approvals_channelhealth USING btree (lane varchar_pattern_ops);

CREATE INDEX approvals_conflict_newer_id_96d56105 ON public.approvals_conflict USING btree (newer_id);

CREATE INDEX approvals_decision_proposal_id_11285530 ON public.approvals_decision USING btree (proposal_id);

CREATE INDEX approvals_decision_revision_id_b449f32f ON public.approvals_decision USING btree (revision_id);

CREATE INDEX approvals_decisiontoken_hash_5d60b04a_like ON public.approvals_decisiontoken USING btree (hash varchar_pattern_ops);

CREATE INDEX approvals_decisiontoken_person_id_743a7bab ON public.approvals_decisiontoken USING btree (person_id);

CREATE INDEX approvals_decisiontoken_proposal_id_23ef83e4 ON public.approvals_decisiontoken USING btree (proposal_id);

CREATE INDEX approvals_dispatch_connector_id_40287729 ON public.approvals_dispatch USING btree (connector_id);

CREATE INDEX approvals_dispatch_connector_id_40287729_like ON public.approvals_dispatch USING btree (connector_id varchar_pattern_ops);

CREATE INDEX approvals_dispatch_proposal_id_588565bf ON public.approvals_dispatch USING btree (proposal_id);

CREATE INDEX approvals_historicalproposal_history_date_f91a0bff ON public.approvals_historicalproposal USING btree (history_date);

CREATE INDEX approvals_historicalproposal_history_user_id_c66d1ee6 ON public.approvals_historicalproposal USING btree (history_user_id);

CREATE INDEX approvals_historicalproposal_id_a934f991 ON public.approvals_historicalproposal USING btree (id);

CREATE INDEX approvals_lastshipped_target_e1f7cca9_like ON public.approvals_lastshipped USING btree (target varchar_pattern_ops);

CREATE INDEX approvals_limitentry_proposal_id_0a42f878 ON public.approvals_limitentry USING btree (proposal_id);

CREATE INDEX approvals_notice_person_id_02036fa9 ON public.approvals_notice USING btree (person_id);

CREATE INDEX approvals_notice_proposal_id_7ce514ce ON public.approvals_notice USING btree (proposal_id);

CREATE INDEX approvals_noticedelivery_address_id_3112a4cd ON public.approvals_noticedelivery USING btree (address_id);

CREATE INDEX approvals_noticedelivery_person_id_ba7c012d ON public.approvals_noticedelivery USING btree (person_id);

CREATE INDEX approvals_noticedelivery_proposal_id_fd7f1f95 ON public.approvals_noticedelivery USING btree (proposal_id);

CREATE INDEX approvals_noticerule_role_id_b4b6d670 ON public.approvals_noticerule USING btree (role_id);

CREATE INDEX approvals_noticerule_role_id_b4b6d670_like ON public.approvals_noticerule USING btree (role_id varchar_pattern_ops);

CREATE INDEX approvals_noticerule_surface_id_d227fac9 ON public.approvals_noticerule USING btree (surface_id);

CREATE INDEX approvals_noticerule_surface_id_d227fac9_like ON public.approvals_noticerule USING btree (surface_id varchar_pattern_ops);

CREATE INDEX approvals_occasion_proposal_id_c155ec06 ON public.approvals_occasion USING btree (proposal_id);

CREATE INDEX approvals_outcome_proposal_id_cab55505 ON public.approvals_outcome USING btree (proposal_id);

CREATE INDEX approvals_outsideaddress_name_726f7dec_like ON public.approvals_outsideaddress USING btree (name varchar_pattern_ops);

CREATE INDEX approvals_outsideaddress_surfaces_outsideaddress_id_56994c4d ON public.approvals_outsideaddress_surfaces USING btree (outsideaddress_id);

CREATE INDEX approvals_outsideaddress_surfaces_surface_id_cd316582 ON public.approvals_outsideaddress_surfaces USING btree (surface_id);

CREATE INDEX approvals_outsideaddress_surfaces_surface_id_cd316582_like ON public.approvals_outsideaddress_surfaces USING btree (surface_id varchar_pattern_ops);

CREATE INDEX approvals_preference_person_id_9f92fb5d ON public.approvals_preference USING btree (person_id);

CREATE INDEX approvals_presence_person_id_26b5be3b ON public.approvals_presence USING btree (person_id);

CREATE INDEX approvals_presence_proposal_id_13b86309 ON public.approvals_presence USING btree (proposal_id);

CREATE INDEX approvals_reportdelivery_person_id_71c6c609 ON public.approvals_reportdelivery USING btree (person_id);

CREATE INDEX approvals_sample_by_id_96d69c80 ON public.approvals_sample USING btree (by_id);

CREATE INDEX approvals_savedfilter_person_id_57e66c43 ON public.approvals_savedfilter USING btree (person_id);

CREATE INDEX approvals_slackcall_at_1c27b1c3 ON public.approvals_slackcall USING btree (at);

CREATE INDEX approvals_slackcall_signature_37fffbc7_like ON public.approvals_slackcall USING btree (signature varchar_pattern_ops);

CREATE INDEX approvals_slacklink_slack_user_aa939ae9_like ON public.approvals_slacklink USING btree (slack_user varchar_pattern_ops);

CREATE INDEX approvals_slackmessage_person_id_3c86327a ON public.approvals_slackmessage USING btree (person_id);

CREATE INDEX approvals_slackmessage_proposal_id_4fd1d206 ON public.approvals_slackmessage USING btree (proposal_id);

CREATE INDEX approvals_snooze_person_id_ac8c0543 ON public.approvals_snooze USING btree (person_id);

CREATE INDEX approvals_snooze_proposal_id_26db3a14 ON public.approvals_snooze USING btree (proposal_id);

CREATE INDEX approvals_timer_proposal_id_d30099be ON public.approvals_timer USING btree (proposal_id);

CREATE INDEX approvals_upload_agent_id_d03f75bb ON public.approvals_upload USING btree (agent_id);

CREATE INDEX approvals_upload_agent_id_d03f75bb_like ON public.approvals_upload USING btree (agent_id varchar_pattern_ops);

CREATE INDEX approvals_upload_proposal_id_296acfcd ON public.approvals_upload USING btree (proposal_id);

CREATE INDEX approvals_verdict_revision_id_fdba3f25 ON public.approvals_verdict USING btree (revision_id);

CREATE INDEX callback_due ON public.approvals_callback USING btree (next_attempt_at) WHERE ((status)::text = 'waiting'::text);

CREATE INDEX callback_leased ON public.approvals_callback USING btree (lease_until) WHERE ((status)::text = 'claimed'::text);

CREATE INDEX decision_by_batch ON public.approvals_decision USING btree (batch) WHERE (batch IS NOT NULL);

CREATE INDEX decision_by_person ON public.approvals_decision USING btree (by_id, id DESC);

CREATE INDEX decision_by_time ON public.approvals_decision USING btree (at);

CREATE INDEX dispatch_by_status ON public.approvals_dispatch USING btree (status, id DESC);

CREATE INDEX dispatch_by_time ON public.approvals_dispatch USING btree (created_at);

CREATE INDEX dispatch_delivered ON public.approvals_dispatch USING btree (delivered_at DESC, id DESC) WHERE ((status)::text = 'delivered'::text);

CREATE INDEX dispatch_due ON public.approvals_dispatch USING btree (next_attempt_at) WHERE ((status)::text = 'waiting'::text);

CREATE INDEX dispatch_leased ON public.approvals_dispatch USING btree (lease_until) WHERE ((status)::text = 'claimed'::text);

CREATE INDEX entry_by_kind ON public.audit_entry USING btree (kind, id);

CREATE INDEX entry_by_subject ON public.audit_entry USING btree (subject, id);

CREATE INDEX entry_by_time ON public.audit_entry USING brin (at);

CREATE INDEX limit_entry_by_age ON public.approvals_limitentry USING btree (running_id, at) INCLUDE (amount) WHERE is_counted;

CREATE INDEX notice_bundled ON public.approvals_noticedelivery USING btree (next_attempt_at) WHERE is_bundled;

CREATE INDEX notice_due ON public.approvals_noticedelivery USING btree (next_attempt_at) WHERE ((status)::text = 'waiting'::text);

CREATE INDEX notice_inbox ON public.approvals_notice USING btree (person_id, at DESC) WHERE is_in_inbox;

CREATE INDEX notice_leased ON public.approvals_noticedelivery USING btree (lease_until) WHERE ((status)::text = 'claimed'::text);

CREATE INDEX notice_unread ON public.approvals_notice USING btree (person_id, at DESC) WHERE (is_in_inbox AND (read_at IS NULL));

CREATE INDEX outcome_incident_by_time ON public.approvals_outcome USING btree (observed_at DESC) WHERE ((kind)::text = ANY ((ARRAY['incident'::character varying, 'complaint'::character varying])::text[]));

CREATE INDEX policies_activation_by_id_b4aad7c1 ON public.policies_activation USING btree (by_id);

CREATE INDEX policies_activation_version_id_bdd3fac8 ON public.policies_activation USING btree (version_id);

CREATE INDEX policies_agent_owner_id_5d332ee2 ON public.policies_agent USING btree (owner_id);

CREATE INDEX policies_agent_slug_75c682fd_like ON public.policies_agent USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_apikey_agent_id_404329d7 ON public.policies_apikey USING btree (agent_id);

CREATE INDEX policies_apikey_agent_id_404329d7_like ON public.policies_apikey USING btree (agent_id varchar_pattern_ops);

CREATE INDEX policies_apikey_created_by_id_b338a470 ON public.policies_apikey USING btree (created_by_id);

CREATE INDEX policies_apikey_prefix_9987a0a2_like ON public.policies_apikey USING btree (prefix varchar_pattern_ops);

CREATE INDEX policies_calendar_slug_09daac98_like ON public.policies_calendar USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_connector_executor_id_e47e1ad4 ON public.policies_connector USING btree (executor_id);

CREATE INDEX policies_connector_executor_id_e47e1ad4_like ON public.policies_connector USING btree (executor_id varchar_pattern_ops);

CREATE INDEX policies_connector_slug_f4435264_like ON public.policies_connector USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_escalation_role_id_a87f4be1 ON public.policies_escalation USING btree (role_id);

CREATE INDEX policies_escalation_role_id_a87f4be1_like ON public.policies_escalation USING btree (role_id varchar_pattern_ops);

CREATE INDEX policies_escalation_surface_id_7fd62d91 ON public.policies_escalation USING btree (surface_id);

CREATE INDEX policies_escalation_surface_id_7fd62d91_like ON public.policies_escalation USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_guardrail_slug_92b2046b_like ON public.policies_guardrail USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_guardrail_tier_id_2a389f3a ON public.policies_guardrail USING btree (tier_id);

CREATE INDEX policies_guardrail_tier_id_2a389f3a_like ON public.policies_guardrail USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_historicalagent_history_date_4bc55775 ON public.policies_historicalagent USING btree (history_date);

CREATE INDEX policies_historicalagent_history_user_id_c06ed04d ON public.policies_historicalagent USING btree (history_user_id);

CREATE INDEX policies_historicalagent_owner_id_fc7fec0d ON public.policies_historicalagent USING btree (owner_id);

CREATE INDEX policies_historicalagent_slug_4916f77c ON public.policies_historicalagent USING btree (slug);

CREATE INDEX policies_historicalagent_slug_4916f77c_like ON public.policies_historicalagent USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicalcalendar_history_date_4e26a469 ON public.policies_historicalcalendar USING btree (history_date);

CREATE INDEX policies_historicalcalendar_history_user_id_7be2e413 ON public.policies_historicalcalendar USING btree (history_user_id);

CREATE INDEX policies_historicalcalendar_slug_20fd1443 ON public.policies_historicalcalendar USING btree (slug);

CREATE INDEX policies_historicalcalendar_slug_20fd1443_like ON public.policies_historicalcalendar USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicalconnector_executor_id_4a7fb93b ON public.policies_historicalconnector USING btree (executor_id);

CREATE INDEX policies_historicalconnector_executor_id_4a7fb93b_like ON public.policies_historicalconnector USING btree (executor_id varchar_pattern_ops);

CREATE INDEX policies_historicalconnector_history_date_4580c8d6 ON public.policies_historicalconnector USING btree (history_date);

CREATE INDEX policies_historicalconnector_history_user_id_64c0c09a ON public.policies_historicalconnector USING btree (history_user_id);

CREATE INDEX policies_historicalconnector_slug_a39cbc96 ON public.policies_historicalconnector USING btree (slug);

CREATE INDEX policies_historicalconnector_slug_a39cbc96_like ON public.policies_historicalconnector USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicalescalation_history_date_72c97790 ON public.policies_historicalescalation USING btree (history_date);

CREATE INDEX policies_historicalescalation_history_user_id_c12bfe7b ON public.policies_historicalescalation USING btree (history_user_id);

CREATE INDEX policies_historicalescalation_id_230798d2 ON public.policies_historicalescalation USING btree (id);

CREATE INDEX policies_historicalescalation_role_id_14b19181 ON public.policies_historicalescalation USING btree (role_id);

CREATE INDEX policies_historicalescalation_role_id_14b19181_like ON public.policies_historicalescalation USING btree (role_id varchar_pattern_ops);

CREATE INDEX policies_historicalescalation_surface_id_bf2c0aa1 ON public.policies_historicalescalation USING btree (surface_id);

CREATE INDEX policies_historicalescalation_surface_id_bf2c0aa1_like ON public.policies_historicalescalation USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_historicalguardrail_history_date_12205ac0 ON public.policies_historicalguardrail USING btree (history_date);

CREATE INDEX policies_historicalguardrail_history_user_id_ee7d40c6 ON public.policies_historicalguardrail USING btree (history_user_id);

CREATE INDEX policies_historicalguardrail_slug_5ca51e07 ON public.policies_historicalguardrail USING btree (slug);

CREATE INDEX policies_historicalguardrail_slug_5ca51e07_like ON public.policies_historicalguardrail USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicalguardrail_tier_id_c5e950c8 ON public.policies_historicalguardrail USING btree (tier_id);

CREATE INDEX policies_historicalguardrail_tier_id_c5e950c8_like ON public.policies_historicalguardrail USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_historicalkillswitch_agent_id_492032a7 ON public.policies_historicalkillswitch USING btree (agent_id);

CREATE INDEX policies_historicalkillswitch_agent_id_492032a7_like ON public.policies_historicalkillswitch USING btree (agent_id varchar_pattern_ops);

CREATE INDEX policies_historicalkillswitch_engaged_by_id_60f967a2 ON public.policies_historicalkillswitch USING btree (engaged_by_id);

CREATE INDEX policies_historicalkillswitch_history_date_9b7b82ac ON public.policies_historicalkillswitch USING btree (history_date);

CREATE INDEX policies_historicalkillswitch_history_user_id_cc0c85b3 ON public.policies_historicalkillswitch USING btree (history_user_id);

CREATE INDEX policies_historicalkillswitch_scope_2684ad6d ON public.policies_historicalkillswitch USING btree (scope);

CREATE INDEX policies_historicalkillswitch_scope_2684ad6d_like ON public.policies_historicalkillswitch USING btree (scope varchar_pattern_ops);

CREATE INDEX policies_historicalkillswitch_surface_id_ee8467dd ON public.policies_historicalkillswitch USING btree (surface_id);

CREATE INDEX policies_historicalkillswitch_surface_id_ee8467dd_like ON public.policies_historicalkillswitch USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_historicallimit_history_date_9632efaa ON public.policies_historicallimit USING btree (history_date);

CREATE INDEX policies_historicallimit_history_user_id_bbb4f97e ON public.policies_historicallimit USING btree (history_user_id);

CREATE INDEX policies_historicallimit_slug_753116cf ON public.policies_historicallimit USING btree (slug);

CREATE INDEX policies_historicallimit_slug_753116cf_like ON public.policies_historicallimit USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicallimit_tier_id_7d400e59 ON public.policies_historicallimit USING btree (tier_id);

CREATE INDEX policies_historicallimit_tier_id_7d400e59_like ON public.policies_historicallimit USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_historicallimit_warning_tier_id_5c2fb4b1 ON public.policies_historicallimit USING btree (warning_tier_id);

CREATE INDEX policies_historicallimit_warning_tier_id_5c2fb4b1_like ON public.policies_historicallimit USING btree (warning_tier_id varchar_pattern_ops);

CREATE INDEX policies_historicalmandate_agent_id_3e81f398 ON public.policies_historicalmandate USING btree (agent_id);

CREATE INDEX policies_historicalmandate_agent_id_3e81f398_like ON public.policies_historicalmandate USING btree (agent_id varchar_pattern_ops);

CREATE INDEX policies_historicalmandate_history_date_800e55b2 ON public.policies_historicalmandate USING btree (history_date);

CREATE INDEX policies_historicalmandate_history_user_id_e8ae7ce2 ON public.policies_historicalmandate USING btree (history_user_id);

CREATE INDEX policies_historicalmandate_id_3182ede7 ON public.policies_historicalmandate USING btree (id);

CREATE INDEX policies_historicalmandate_surface_id_49067c3d ON public.policies_historicalmandate USING btree (surface_id);

CREATE INDEX policies_historicalmandate_surface_id_49067c3d_like ON public.policies_historicalmandate USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_historicalmandate_tier_id_bc147c2e ON public.policies_historicalmandate USING btree (tier_id);

CREATE INDEX policies_historicalmandate_tier_id_bc147c2e_like ON public.policies_historicalmandate USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_historicalpolicytest_history_date_0022bab2 ON public.policies_historicalpolicytest USING btree (history_date);

CREATE INDEX policies_historicalpolicytest_history_user_id_74572c4d ON public.policies_historicalpolicytest USING btree (history_user_id);

CREATE INDEX policies_historicalpolicytest_slug_d18db485 ON public.policies_historicalpolicytest USING btree (slug);

CREATE INDEX policies_historicalpolicytest_slug_d18db485_like ON public.policies_historicalpolicytest USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicalrequirement_history_date_705d5c4b ON public.policies_historicalrequirement USING btree (history_date);

CREATE INDEX policies_historicalrequirement_history_user_id_5a784fe1 ON public.policies_historicalrequirement USING btree (history_user_id);

CREATE INDEX policies_historicalrequirement_id_04325b3d ON public.policies_historicalrequirement USING btree (id);

CREATE INDEX policies_historicalrequirement_role_id_2ab69875 ON public.policies_historicalrequirement USING btree (role_id);

CREATE INDEX policies_historicalrequirement_role_id_2ab69875_like ON public.policies_historicalrequirement USING btree (role_id varchar_pattern_ops);

CREATE INDEX policies_historicalrequirement_surface_id_016d2e97 ON public.policies_historicalrequirement USING btree (surface_id);

CREATE INDEX policies_historicalrequirement_surface_id_016d2e97_like ON public.policies_historicalrequirement USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_historicalrequirement_tier_id_0d04187d ON public.policies_historicalrequirement USING btree (tier_id);

CREATE INDEX policies_historicalrequirement_tier_id_0d04187d_like ON public.policies_historicalrequirement USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_historicalrule_history_date_731e7ab5 ON public.policies_historicalrule USING btree (history_date);

CREATE INDEX policies_historicalrule_history_user_id_2c5ab69b ON public.policies_historicalrule USING btree (history_user_id);

CREATE INDEX policies_historicalrule_slug_75b1355c ON public.policies_historicalrule USING btree (slug);

CREATE INDEX policies_historicalrule_slug_75b1355c_like ON public.policies_historicalrule USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicalrule_tier_id_3e91da02 ON public.policies_historicalrule USING btree (tier_id);

CREATE INDEX policies_historicalrule_tier_id_3e91da02_like ON public.policies_historicalrule USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_historicalsurface_calendar_id_67c55ad4 ON public.policies_historicalsurface USING btree (calendar_id);

CREATE INDEX policies_historicalsurface_calendar_id_67c55ad4_like ON public.policies_historicalsurface USING btree (calendar_id varchar_pattern_ops);

CREATE INDEX policies_historicalsurface_connector_id_74cb50ca ON public.policies_historicalsurface USING btree (connector_id);

CREATE INDEX policies_historicalsurface_connector_id_74cb50ca_like ON public.policies_historicalsurface USING btree (connector_id varchar_pattern_ops);

CREATE INDEX policies_historicalsurface_floor_id_0cc4f402 ON public.policies_historicalsurface USING btree (floor_id);

CREATE INDEX policies_historicalsurface_floor_id_0cc4f402_like ON public.policies_historicalsurface USING btree (floor_id varchar_pattern_ops);

CREATE INDEX policies_historicalsurface_history_date_cfd65a15 ON public.policies_historicalsurface USING btree (history_date);

CREATE INDEX policies_historicalsurface_history_user_id_53e1628b ON public.policies_historicalsurface USING btree (history_user_id);

CREATE INDEX policies_historicalsurface_owner_id_bf8d089a ON public.policies_historicalsurface USING btree (owner_id);

CREATE INDEX policies_historicalsurface_owner_id_bf8d089a_like ON public.policies_historicalsurface USING btree (owner_id varchar_pattern_ops);

CREATE INDEX policies_historicalsurface_senior_tier_id_cef448e0 ON public.policies_historicalsurface USING btree (senior_tier_id);

CREATE INDEX policies_historicalsurface_senior_tier_id_cef448e0_like ON public.policies_historicalsurface USING btree (senior_tier_id varchar_pattern_ops);

CREATE INDEX policies_historicalsurface_slug_39a8a6be ON public.policies_historicalsurface USING btree (slug);

CREATE INDEX policies_historicalsurface_slug_39a8a6be_like ON public.policies_historicalsurface USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicalsurface_tier_id_fe19540a ON public.policies_historicalsurface USING btree (tier_id);

CREATE INDEX policies_historicalsurface_tier_id_fe19540a_like ON public.policies_historicalsurface USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_historicaltier_history_date_450ab0e0 ON public.policies_historicaltier USING btree (history_date);

CREATE INDEX policies_historicaltier_history_user_id_b3f95c38 ON public.policies_historicaltier USING btree (history_user_id);

CREATE INDEX policies_historicaltier_rank_3fb9835a ON public.policies_historicaltier USING btree (rank);

CREATE INDEX policies_historicaltier_slug_86917cef ON public.policies_historicaltier USING btree (slug);

CREATE INDEX policies_historicaltier_slug_86917cef_like ON public.policies_historicaltier USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_historicaltuning_history_date_3d009539 ON public.policies_historicaltuning USING btree (history_date);

CREATE INDEX policies_historicaltuning_history_user_id_96a0aa42 ON public.policies_historicaltuning USING btree (history_user_id);

CREATE INDEX policies_historicaltuning_id_9296999a ON public.policies_historicaltuning USING btree (id);

CREATE INDEX policies_historicaltuning_role_id_b1b46dfc ON public.policies_historicaltuning USING btree (role_id);

CREATE INDEX policies_historicaltuning_role_id_b1b46dfc_like ON public.policies_historicaltuning USING btree (role_id varchar_pattern_ops);

CREATE INDEX policies_historicaltuning_surface_id_726483f9 ON public.policies_historicaltuning USING btree (surface_id);

CREATE INDEX policies_historicaltuning_surface_id_726483f9_like ON public.policies_historicaltuning USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_killswitch_agent_id_c99f28cb_like ON public.policies_killswitch USING btree (agent_id varchar_pattern_ops);

CREATE INDEX policies_killswitch_engaged_by_id_2e90ba2c ON public.policies_killswitch USING btree (engaged_by_id);

CREATE INDEX policies_killswitch_scope_c282ec04_like ON public.policies_killswitch USING btree (scope varchar_pattern_ops);

CREATE INDEX policies_killswitch_surface_id_957403f0_like ON public.policies_killswitch USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_limit_slug_bf4baa04_like ON public.policies_limit USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_limit_tier_id_7d9b0f06 ON public.policies_limit USING btree (tier_id);

CREATE INDEX policies_limit_tier_id_7d9b0f06_like ON public.policies_limit USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_limit_warning_tier_id_5c7a1d9e ON public.policies_limit USING btree (warning_tier_id);

CREATE INDEX policies_limit_warning_tier_id_5c7a1d9e_like ON public.policies_limit USING btree (warning_tier_id varchar_pattern_ops);

CREATE INDEX policies_loosening_answered_by_id_a81437be ON public.policies_loosening USING btree (answered_by_id);

CREATE INDEX policies_loosening_asked_by_id_46ad00f4 ON public.policies_loosening USING btree (asked_by_id);

CREATE INDEX policies_loosening_base_id_5821d6a6 ON public.policies_loosening USING btree (base_id);

CREATE INDEX policies_mandate_agent_id_d1e35cd5 ON public.policies_mandate USING btree (agent_id);

CREATE INDEX policies_mandate_agent_id_d1e35cd5_like ON public.policies_mandate USING btree (agent_id varchar_pattern_ops);

CREATE INDEX policies_mandate_surface_id_0d48c6a4 ON public.policies_mandate USING btree (surface_id);

CREATE INDEX policies_mandate_surface_id_0d48c6a4_like ON public.policies_mandate USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_mandate_tier_id_e29fa115 ON public.policies_mandate USING btree (tier_id);

CREATE INDEX policies_mandate_tier_id_e29fa115_like ON public.policies_mandate USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_policytest_slug_11220a42_like ON public.policies_policytest USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_policyversion_created_by_id_0c6eef22 ON public.policies_policyversion USING btree (created_by_id);

CREATE INDEX policies_replayrun_asked_by_id_639eda8b ON public.policies_replayrun USING btree (asked_by_id);

CREATE INDEX policies_requirement_role_id_d2ebba7b ON public.policies_requirement USING btree (role_id);

CREATE INDEX policies_requirement_role_id_d2ebba7b_like ON public.policies_requirement USING btree (role_id varchar_pattern_ops);

CREATE INDEX policies_requirement_surface_id_73aa3e75 ON public.policies_requirement USING btree (surface_id);

CREATE INDEX policies_requirement_surface_id_73aa3e75_like ON public.policies_requirement USING btree (surface_id varchar_pattern_ops);

CREATE INDEX policies_requirement_tier_id_448f6c0d ON public.policies_requirement USING btree (tier_id);

CREATE INDEX policies_requirement_tier_id_448f6c0d_like ON public.policies_requirement USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_rule_slug_bb1666c5_like ON public.policies_rule USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_rule_tier_id_bc4c09fa ON public.policies_rule USING btree (tier_id);

CREATE INDEX policies_rule_tier_id_bc4c09fa_like ON public.policies_rule USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_surface_calendar_id_39d587ca ON public.policies_surface USING btree (calendar_id);

CREATE INDEX policies_surface_calendar_id_39d587ca_like ON public.policies_surface USING btree (calendar_id varchar_pattern_ops);

CREATE INDEX policies_surface_connector_id_1769bb16 ON public.policies_surface USING btree (connector_id);

CREATE INDEX policies_surface_connector_id_1769bb16_like ON public.policies_surface USING btree (connector_id varchar_pattern_ops);

CREATE INDEX policies_surface_floor_id_e444bd94 ON public.policies_surface USING btree (floor_id);

CREATE INDEX policies_surface_floor_id_e444bd94_like ON public.policies_surface USING btree (floor_id varchar_pattern_ops);

CREATE INDEX policies_surface_owner_id_6486117a ON public.policies_surface USING btree (owner_id);

CREATE INDEX policies_surface_owner_id_6486117a_like ON public.policies_surface USING btree (owner_id varchar_pattern_ops);

CREATE INDEX policies_surface_senior_tier_id_ca0784db ON public.policies_surface USING btree (senior_tier_id);

CREATE INDEX policies_surface_senior_tier_id_ca0784db_like ON public.policies_surface USING btree (senior_tier_id varchar_pattern_ops);

CREATE INDEX policies_surface_slug_aa214c71_like ON public.policies_surface USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_surface_tier_id_2b7b669d ON public.policies_surface USING btree (tier_id);

CREATE INDEX policies_surface_tier_id_2b7b669d_like ON public.policies_surface USING btree (tier_id varchar_pattern_ops);

CREATE INDEX policies_tier_slug_e7be5ab4_like ON public.policies_tier USING btree (slug varchar_pattern_ops);

CREATE INDEX policies_tuning_role_id_eb1e36f0 ON public.policies_tuning USING btree (role_id);

CREATE INDEX policies_tuning_role_id_eb1e36f0_like ON public.policies_tuning USING btree (role_id varchar_pattern_ops);

CREATE INDEX policies_tuning_surface_id_b77e450e ON public.policies_tuning USING btree (surface_id);

CREATE INDEX policies_tuning_surface_id_b77e450e_like ON public.policies_tuning USING btree (surface_id varchar_pattern_ops);

CREATE INDEX portal_cache_expires ON public.portal_cache USING btree (expires);

CREATE INDEX proposal_by_agent ON public.approvals_proposal USING btree (agent_id, id DESC);

CREATE INDEX proposal_by_deciding_roles ON public.approvals_proposal USING gin (deciding_roles);

CREATE INDEX proposal_by_model ON public.approvals_proposal USING gin (model jsonb_path_ops);

CREATE INDEX proposal_by_owner ON public.approvals_proposal USING btree (owner_id, id DESC);

CREATE INDEX proposal_by_state ON public.approvals_proposal USING btree (state, id DESC);

CREATE INDEX proposal_by_surface ON public.approvals_proposal USING btree (surface_id, id DESC);

CREATE INDEX proposal_by_tier ON public.approvals_proposal USING btree (tier_id, id DESC);

CREATE INDEX proposal_by_time ON public.approvals_proposal USING btree (created_at);

CREATE INDEX proposal_by_touchpoint ON public.approvals_proposal USING btree (agent_id, surface_id, created_at);

CREATE INDEX proposal_by_trigger ON public.approvals_proposal USING gin (trigger jsonb_path_ops);

CREATE INDEX proposal_due ON public.approvals_proposal USING btree (deadline_at) WHERE ((state)::text = ANY ((ARRAY['pending'::character varying, 'edited'::character varying, 'returned'::character varying])::text[]));

CREATE INDEX proposal_ended_undecided ON public.approvals_proposal USING btree (updated_at) WHERE ((state)::text = ANY ((ARRAY['blocked'::character varying, 'withdrawn'::character varying, 'expired'::character varying])::text[]));

CREATE INDEX proposal_expiring ON public.approvals_proposal USING btree (expires_at) WHERE ((expires_at IS NOT NULL) AND ((state)::text = 'approved'::text));

CREATE INDEX proposal_live_targets ON public.approvals_proposal USING gin (targets) WHERE ((state)::text = ANY ((ARRAY['pending'::character varying, 'edited'::character varying, 'returned'::character varying, 'approved'::character varying])::text[]));

CREATE INDEX proposal_live_twins ON public.approvals_proposal USING btree (payload_digest, surface_id, action) WHERE ((state)::text = ANY ((ARRAY['pending'::character varying, 'edited'::character varying, 'returned'::character varying, 'approved'::character varying])::text[]));

CREATE INDEX proposal_settled ON public.approvals_proposal USING btree (agent_id, surface_id, id DESC) WHERE ((state)::text = ANY ((ARRAY['approved'::character varying, 'failed'::character varying, 'rejected'::character varying, 'rolled_back'::character varying, 'shipped'::character varying])::text[]));

CREATE INDEX proposal_to_be_assessed ON public.approvals_proposal USING btree (id) WHERE is_to_be_assessed;

CREATE INDEX reevaluation_by_proposal ON public.approvals_reevaluation USING btree (proposal_id, id DESC);

CREATE INDEX replay_by_digest ON public.policies_replayrun USING btree (digest, id DESC);

CREATE INDEX report_due ON public.approvals_reportdelivery USING btree (next_attempt_at) WHERE ((status)::text = 'waiting'::text);

CREATE INDEX report_leased ON public.approvals_reportdelivery USING btree (lease_until) WHERE ((status)::text = 'claimed'::text);

CREATE INDEX sample_by_time ON public.approvals_sample USING btree (picked_at);

CREATE INDEX sample_open ON public.approvals_sample USING btree (picked_at) WHERE ((opinion)::text = ''::text);

CREATE INDEX slack_answer_due ON public.approvals_slackanswer USING btree (next_attempt_at) WHERE ((status)::text = 'waiting'::text);

CREATE INDEX slack_answer_leased ON public.approvals_slackanswer USING btree (lease_until) WHERE ((status)::text = 'claimed'::text);

CREATE INDEX slack_message_due ON public.approvals_slackmessage USING btree (next_attempt_at) WHERE ((status)::text = 'waiting'::text);

CREATE INDEX slack_message_leased ON public.approvals_slackmessage USING btree (lease_until) WHERE ((status)::text = 'claimed'::text);

CREATE INDEX timer_due ON public.approvals_timer USING btree (due_at, id) WHERE ((due_at IS NOT NULL) AND (fired_at IS NULL));

CREATE INDEX upload_unused ON public.approvals_upload USING btree (created_at) WHERE (proposal_id IS NULL);

CREATE TABLE public.approvals_absence (
    CONSTRAINT absence_delegate_is_somebody_else CHECK (((delegate_id IS NULL) OR (NOT ((delegate_id = person_id) AND (delegate_id IS NOT NULL)))))
    CONSTRAINT absence_ends_after_it_begins CHECK ((ends_at > begins_at))
    begins_at timestamp with time zone NOT NULL
    cancelled_at timestamp with time zone
    delegate_id integer
    ends_at timestamp with time zone NOT NULL
    id bigint NOT NULL
    noted_at timestamp with time zone NOT NULL
    noted_by_id integer NOT NULL
    person_id integer NOT NULL
    roles character varying(150)[] NOT NULL
    surfaces character varying(80)[] NOT NULL
);

CREATE TABLE public.approvals_assessment (
    "end" integer NOT NULL
    CONSTRAINT approvals_assessment_end_check CHECK (("end" >= 0))
    CONSTRAINT approvals_assessment_start_check CHECK ((start >= 0))
    answer character varying(12) NOT NULL
    at timestamp with time zone NOT NULL
    id bigint NOT NULL
    item character varying(80) NOT NULL
    model_name character varying(200) NOT NULL
    pointer text NOT NULL
    quotation text NOT NULL
    revision_id uuid NOT NULL
    start integer NOT NULL
);

CREATE TABLE public.approvals_assignment (
    at timestamp with time zone NOT NULL
    by_id integer
    by_name character varying(200) NOT NULL
    note character varying(500) NOT NULL
    proposal_id uuid NOT NULL
    to_id integer NOT NULL
);

CREATE TABLE public.approvals_attempt (
    CONSTRAINT approvals_attempt_fence_check CHECK ((fence >= 0))
    CONSTRAINT approvals_attempt_http_status_check CHECK ((http_status >= 0))
    CONSTRAINT approvals_attempt_policy_version_check CHECK ((policy_version >= 0))
    digest character varying(71) NOT NULL
    dispatch_id uuid NOT NULL
    distinct_people boolean NOT NULL
    ended_at timestamp with time zone
    error character varying(500) NOT NULL
    fence integer NOT NULL
    http_status smallint
    id bigint NOT NULL
    policy_version integer
    requirements jsonb NOT NULL
    started_at timestamp with time zone NOT NULL
    worker character varying(200) NOT NULL
);

CREATE TABLE public.approvals_callback (
    CONSTRAINT approvals_callback_attempts_made_check CHECK ((attempts_made >= 0))
    CONSTRAINT approvals_callback_fence_check CHECK ((fence >= 0))
    attempts_made smallint NOT NULL
    body bytea NOT NULL
    created_at timestamp with time zone NOT NULL
    delivered_at timestamp with time zone
    fence integer NOT NULL
    id uuid NOT NULL
    is_only boolean NOT NULL
    last_error character varying(500) NOT NULL
    lease_until timestamp with time zone
    next_attempt_at timestamp with time zone NOT NULL
    proposal_id uuid NOT NULL
    status character varying(10) NOT NULL
    url character varying(2000) NOT NULL
);

CREATE TABLE public.approvals_channelhealth (
    CONSTRAINT approvals_channelhealth_failures_check CHECK ((failures >= 0))
    failures integer NOT NULL
    lane character varying(40) NOT NULL
    last_error character varying(500) NOT NULL
    last_sent_at timestamp with time zone
    next_try_at timestamp with time zone
);

CREATE TABLE public.approvals_conflict (
    CONSTRAINT conflict_is_of_two CHECK ((older_id < newer_id))
    found_at timestamp with time zone NOT NULL
    id bigint NOT NULL
    newer_id uuid NOT NULL
    older_id uuid NOT NULL
    resolved_at timestamp with time zone
);

CREATE TABLE public.approvals_decision (
    CONSTRAINT approvals_decision_revision_number_check CHECK ((revision_number >= 0))
    CONSTRAINT decision_for_another_rests_on_an_absence CHECK ((((absence_id IS NULL) AND (on_behalf_of_id IS NULL)) OR ((absence_id IS NOT NULL) AND (on_behalf_of_id IS NOT NULL))))
    CONSTRAINT decision_rejection_has_a_reason CHECK (((NOT ((verdict)::text = 'reject'::text)) OR (NOT ((reason_code)::text = ''::text))))
    absence_id bigint
    at timestamp with time zone NOT NULL
    batch uuid
    by_id integer NOT NULL
    by_name character varying(200) NOT NULL
    comment text NOT NULL
    digest character varying(71) NOT NULL
    id uuid NOT NULL
    is_signed boolean NOT NULL
    on_behalf_of_id integer
    proposal_id uuid NOT NULL
    reason_code character varying(16) NOT NULL
    revision_id uuid NOT NULL
    revision_number integer NOT NULL
    roles character varying(150)[] NOT NULL
    ticked character varying(80)[] NOT NULL
    verdict character varying(10) NOT NULL
);

CREATE TABLE public.approvals_decisiontoken (
    CONSTRAINT approvals_decisiontoken_revision_number_check CHECK ((revision_number >= 0))
    CONSTRAINT token_used_iff_decided CHECK ((((decision_id IS NULL) AND (used_at IS NULL)) OR ((decision_id IS NOT NULL) AND (used_at IS NOT NULL))))
    decision_id uuid
    digest character varying(71) NOT NULL
    expires_at timestamp with time zone NOT NULL
    hash character varying(64) NOT NULL
    made_at timestamp with time zone NOT NULL
    person_id integer NOT NULL
    proposal_id uuid NOT NULL
    revision_number integer NOT NULL
    used_at timestamp with time zone
    via character varying(10) NOT NULL
);

CREATE TABLE public.approvals_dispatch (
    "grant" text NOT NULL
    CONSTRAINT approvals_dispatch_attempts_made_check CHECK ((attempts_made >= 0))
    CONSTRAINT approvals_dispatch_fence_check CHECK ((fence >= 0))
    CONSTRAINT dispatch_claimed_iff_leased CHECK ((((lease_until IS NOT NULL) AND ((status)::text = 'claimed'::text)) OR ((NOT ((status)::text = 'claimed'::text)) AND (lease_until IS NULL))))
    CONSTRAINT dispatch_delivered_iff_receipt CHECK ((((delivered_at IS NOT NULL) AND (receipt IS NOT NULL) AND ((status)::text = 'delivered'::text)) OR ((NOT ((status)::text = 'delivered'::text)) AND (delivered_at IS NULL) AND (receipt IS NULL))))
    attempts_made smallint NOT NULL
    connector_id character varying(80)
    created_at timestamp with time zone NOT NULL
    decision jsonb
    delivered_at timestamp with time zone
    digest character varying(71) NOT NULL
    fence integer NOT NULL
    id uuid NOT NULL
    kind character varying(8) NOT NULL
    last_error character varying(500) NOT NULL
    lease_until timestamp with time zone
    next_attempt_at timestamp with time zone NOT NULL
    proposal_id uuid NOT NULL
    receipt jsonb
    revision_id uuid NOT NULL
    status character varying(10) NOT NULL
);

CREATE TABLE public.approvals_heartbeat (
    at timestamp with time zone NOT NULL
    host character varying(255) NOT NULL
    id bigint NOT NULL
    program character varying(20) NOT NULL
);

CREATE TABLE public.approvals_historicalproposal (
    CONSTRAINT approvals_historicalproposal_audience_size_check CHECK ((audience_size >= 0))
    action character varying(120) NOT NULL
    agent_id character varying(80)
    amount numeric(20,4)
    approved_digest character varying(71) NOT NULL
    audience_size bigint
    confidence double precision
    deadline_at timestamp with time zone NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    id uuid NOT NULL
    owner_id character varying(150)
    release_at timestamp with time zone
    revision_id uuid
    state character varying(16) NOT NULL
    surface_id character varying(80)
    tier_id character varying(80)
    title character varying(300) NOT NULL
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.approvals_idempotentanswer (
    CONSTRAINT approvals_idempotentanswer_status_check CHECK ((status >= 0))
    agent_id character varying(80) NOT NULL
    body bytea NOT NULL
    created_at timestamp with time zone NOT NULL
    headers jsonb NOT NULL
    id bigint NOT NULL
    key character varying(200) NOT NULL
    request_digest character varying(71) NOT NULL
    status smallint NOT NULL
);

CREATE TABLE public.approvals_lastshipped (
    at timestamp with time zone NOT NULL
    proposal_id uuid NOT NULL
    target character varying(200) NOT NULL
);

CREATE TABLE public.approvals_limitdefinition (
    counted_for bigint NOT NULL
    currency character varying(3) NOT NULL
    digest character varying(71) NOT NULL
    id bigint NOT NULL
    measure character varying(13) NOT NULL
    slug character varying(80) NOT NULL
);

CREATE TABLE public.approvals_limitentry (
    amount numeric(24,4) NOT NULL
    at timestamp with time zone NOT NULL
    id bigint NOT NULL
    is_counted boolean NOT NULL
    proposal_id uuid NOT NULL
    running_id bigint NOT NULL
);

CREATE TABLE public.approvals_limittotal (
    definition_id bigint NOT NULL
    id bigint NOT NULL
    scope character varying(200) NOT NULL
    since timestamp with time zone NOT NULL
    tail_at timestamp with time zone NOT NULL
    total numeric(30,4) NOT NULL
);

CREATE TABLE public.approvals_notice (
    at timestamp with time zone NOT NULL
    by_name character varying(200) NOT NULL
    id uuid NOT NULL
    is_in_inbox boolean NOT NULL
    kind character varying(20) NOT NULL
    note character varying(500) NOT NULL
    person_id integer NOT NULL
    proposal_id uuid NOT NULL
    read_at timestamp with time zone
);

CREATE TABLE public.approvals_noticedelivery (
    CONSTRAINT approvals_noticedelivery_attempts_made_check CHECK ((attempts_made >= 0))
    CONSTRAINT approvals_noticedelivery_fence_check CHECK ((fence >= 0))
    CONSTRAINT notice_goes_to_one CHECK ((((address_id IS NULL) AND (person_id IS NOT NULL)) OR ((address_id IS NOT NULL) AND (person_id IS NULL))))
    address_id bigint
    at timestamp with time zone NOT NULL
    attempts_made smallint NOT NULL
    by_name character varying(200) NOT NULL
    channel character varying(10) NOT NULL
    created_at timestamp with time zone NOT NULL
    delivered_at timestamp with time zone
    fence integer NOT NULL
    id uuid NOT NULL
    is_bundled boolean DEFAULT false NOT NULL
    is_gathered boolean NOT NULL
    kind character varying(20) NOT NULL
    lane character varying(40) NOT NULL
    last_error character varying(500) NOT NULL
    lease_until timestamp with time zone
    next_attempt_at timestamp with time zone NOT NULL
    note character varying(500) NOT NULL
    person_id integer
    proposal_id uuid NOT NULL
    status character varying(10) NOT NULL
);

CREATE TABLE public.approvals_noticerule (
    id bigint NOT NULL
    is_told boolean NOT NULL
    kind character varying(20) NOT NULL
    role_id character varying(150) NOT NULL
    surface_id character varying(80)
);

CREATE TABLE public.approvals_occasion (
    at timestamp with time zone NOT NULL
    by integer
    by_name character varying(200) NOT NULL
    id uuid NOT NULL
    kind character varying(20) NOT NULL
    note character varying(500) NOT NULL
    people integer[] NOT NULL
    proposal_id uuid NOT NULL
    roles character varying(150)[] NOT NULL
);

CREATE TABLE public.approvals_outcome (
    CONSTRAINT outcome_by_a_person_has_their_name CHECK ((((reported_by_id IS NULL) AND ((reported_by_name)::text = ''::text)) OR ((reported_by_id IS NOT NULL) AND (NOT ((reported_by_name)::text = ''::text)))))
    CONSTRAINT outcome_incident_says_what_happened CHECK ((((kind)::text = 'measured'::text) OR (NOT (note = ''::text))))
    corrects_id uuid
    id uuid NOT NULL
    kind character varying(10) NOT NULL
    metric character varying(120) NOT NULL
    note text NOT NULL
    observed_at timestamp with time zone NOT NULL
    proposal_id uuid NOT NULL
    reported_at timestamp with time zone NOT NULL
    reported_by_id integer
    reported_by_name character varying(200) NOT NULL
    unit character varying(40) NOT NULL
    value double precision NOT NULL
);

CREATE TABLE public.approvals_outsideaddress (
    id bigint NOT NULL
    is_enabled boolean NOT NULL
    kinds character varying(20)[] NOT NULL
    name character varying(80) NOT NULL
    url text NOT NULL
);

CREATE TABLE public.approvals_outsideaddress_surfaces (
    id bigint NOT NULL
    outsideaddress_id bigint NOT NULL
    surface_id character varying(80) NOT NULL
);

CREATE TABLE public.approvals_preference (
    channel character varying(10) NOT NULL
    id bigint NOT NULL
    kind character varying(20) NOT NULL
    pace character varying(10) NOT NULL
    person_id integer NOT NULL
);

CREATE TABLE public.approvals_presence (
    id bigint NOT NULL
    person_id integer NOT NULL
    proposal_id uuid NOT NULL
    seen_at timestamp with time zone NOT NULL
);

CREATE TABLE public.approvals_proposal (
    CONSTRAINT approvals_proposal_audience_size_check CHECK ((audience_size >= 0))
    CONSTRAINT approvals_proposal_policy_version_check CHECK ((policy_version >= 0))
    CONSTRAINT proposal_cleared_iff_release_at_and_digest CHECK ((((release_at IS NOT NULL) AND ((state)::text = ANY ((ARRAY['approved'::character varying, 'shipped'::character varying, 'failed'::character varying, 'rolled_back'::character varying])::text[])) AND (NOT ((approved_digest)::text = ''::text))) OR ((NOT ((state)::text = ANY ((ARRAY['approved'::character varying, 'shipped'::character varying, 'failed'::character varying, 'rolled_back'::character varying])::text[]))) AND ((approved_digest)::text = ''::text) AND (release_at IS NULL))))
    CONSTRAINT proposal_confidence_is_a_share CHECK (((confidence IS NULL) OR ((confidence >= (0.0)::double precision) AND (confidence <= (1.0)::double precision))))
    CONSTRAINT proposal_deadline_not_after_expiry CHECK (((expires_at IS NULL) OR (deadline_at <= expires_at)))
    CONSTRAINT proposal_state_is_known CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'edited'::character varying, 'returned'::character varying, 'approved'::character varying, 'shipped'::character varying, 'rejected'::character varying, 'blocked'::character varying, 'taken_over'::character varying, 'withdrawn'::character varying, 'expired'::character varying, 'failed'::character varying, 'rolled_back'::character varying])::text[])))
    action character varying(120) NOT NULL
    agent_id character varying(80) NOT NULL
    agent_owner_id integer NOT NULL
    agent_owner_name character varying(200) NOT NULL
    amount numeric(20,4)
    approved_digest character varying(71) NOT NULL
    asked_again_at timestamp with time zone
    audience_size bigint
    callback_url character varying(2000) NOT NULL
    callback_when character varying(8) NOT NULL
    checklist jsonb NOT NULL
    close_people integer[] NOT NULL
    confidence double precision
    created_at timestamp with time zone NOT NULL
    currency character varying(3) NOT NULL
    deadline_at timestamp with time zone NOT NULL
    deciding_roles character varying(150)[] NOT NULL
    distinct_people boolean NOT NULL
    evidence jsonb NOT NULL
    expected_outcome jsonb
    expires_at timestamp with time zone
    id uuid NOT NULL
    is_to_be_assessed boolean NOT NULL
    key_issuer_id integer
    key_issuer_name character varying(200) NOT NULL
    mandate character varying(100) NOT NULL
    metrics jsonb NOT NULL
    model jsonb
    owner_id character varying(150) NOT NULL
    payload_digest character varying(71) NOT NULL
    policy_version integer NOT NULL
    rationale text NOT NULL
    release_at timestamp with time zone
    requirements jsonb NOT NULL
    revision_id uuid NOT NULL
    state character varying(16) NOT NULL
    surface_id character varying(80) NOT NULL
    tags character varying(80)[] NOT NULL
    targets character varying(200)[] NOT NULL
    tier_id character varying(80)
    title character varying(300) NOT NULL
    trigger jsonb
    updated_at timestamp with time zone NOT NULL
    verdict_id uuid NOT NULL
);

CREATE TABLE public.approvals_reachability (
    CONSTRAINT reachability_quiet_has_both_ends CHECK ((((quiet_from IS NULL) AND (quiet_until IS NULL)) OR ((quiet_from IS NOT NULL) AND (quiet_until IS NOT NULL))))
    daily_at time without time zone NOT NULL
    gets_daily_report boolean DEFAULT true NOT NULL
    person_id integer NOT NULL
    quiet_from time without time zone
    quiet_until time without time zone
    time_zone character varying(64) NOT NULL
);

CREATE TABLE public.approvals_reevaluation (
    at timestamp with time zone NOT NULL
    facts jsonb NOT NULL
    id bigint NOT NULL
    is_met boolean NOT NULL
    outcome character varying(16) NOT NULL
    proposal_id uuid NOT NULL
    reasons jsonb NOT NULL
    revision_id uuid NOT NULL
    tier_id character varying(80)
    version_id integer NOT NULL
);

CREATE TABLE public.approvals_reportdelivery (
    CONSTRAINT approvals_reportdelivery_attempts_made_check CHECK ((attempts_made >= 0))
    CONSTRAINT approvals_reportdelivery_fence_check CHECK ((fence >= 0))
    attempts_made smallint NOT NULL
    channel character varying(10) NOT NULL
    created_at timestamp with time zone NOT NULL
    day date NOT NULL
    delivered_at timestamp with time zone
    fence integer NOT NULL
    id uuid NOT NULL
    last_error character varying(500) NOT NULL
    lease_until timestamp with time zone
    next_attempt_at timestamp with time zone NOT NULL
    person_id integer NOT NULL
    status character varying(10) NOT NULL
);

CREATE TABLE public.approvals_revision (
    CONSTRAINT approvals_revision_audience_size_check CHECK ((audience_size >= 0))
    CONSTRAINT approvals_revision_number_check CHECK ((number >= 0))
    CONSTRAINT revision_has_one_author CHECK ((((agent_id IS NOT NULL) AND (author_id IS NULL)) OR ((agent_id IS NULL) AND (author_id IS NOT NULL))))
    CONSTRAINT revision_rollback_has_digest CHECK ((((rollback_body IS NULL) AND ((rollback_digest)::text = ''::text)) OR ((rollback_body IS NOT NULL) AND (NOT ((rollback_digest)::text = ''::text)))))
    agent_id character varying(80)
    agent_owner_id integer
    amount numeric(20,4)
    audience_size bigint
    author_id integer
    author_name character varying(200) NOT NULL
    before jsonb
    body bytea NOT NULL
    confidence double precision
    created_at timestamp with time zone NOT NULL
    digest character varying(71) NOT NULL
    id uuid NOT NULL
    key_issuer_id integer
    note text NOT NULL
    number integer NOT NULL
    proposal_id uuid NOT NULL
    rollback_body bytea
    rollback_digest character varying(71) NOT NULL
);

CREATE TABLE public.approvals_sample (
    CONSTRAINT sample_opinion_is_somebodys CHECK ((((at IS NULL) AND ((opinion)::text = ''::text)) OR ((NOT ((opinion)::text = ''::text)) AND (at IS NOT NULL) AND (by_id IS NOT NULL))))
    at timestamp with time zone
    by_id integer
    by_name character varying(200) NOT NULL
    note character varying(500) NOT NULL
    opinion character varying(16) NOT NULL
    picked_at timestamp with time zone NOT NULL
    proposal_id uuid NOT NULL
);

CREATE TABLE public.approvals_savedfilter (
    id bigint NOT NULL
    name character varying(60) NOT NULL
    person_id integer NOT NULL
    query character varying(500) NOT NULL
);

CREATE TABLE public.approvals_slackanswer (
    CONSTRAINT approvals_slackanswer_attempts_made_check CHECK ((attempts_made >= 0))
    CONSTRAINT approvals_slackanswer_fence_check CHECK ((fence >= 0))
    attempts_made smallint NOT NULL
    created_at timestamp with time zone NOT NULL
    delivered_at timestamp with time zone
    fence integer NOT NULL
    id uuid NOT NULL
    last_error character varying(500) NOT NULL
    lease_until timestamp with time zone
    next_attempt_at timestamp with time zone NOT NULL
    status character varying(10) NOT NULL
    text character varying(1000) NOT NULL
    url character varying(500) NOT NULL
);

CREATE TABLE public.approvals_slackcall (
    at timestamp with time zone NOT NULL
    signature character varying(80) NOT NULL
);

CREATE TABLE public.approvals_slacklink (
    confirmed_at timestamp with time zone NOT NULL
    person_id integer NOT NULL
    slack_user character varying(40) NOT NULL
);

CREATE TABLE public.approvals_slackmessage (
    CONSTRAINT approvals_slackmessage_attempts_made_check CHECK ((attempts_made >= 0))
    CONSTRAINT approvals_slackmessage_fence_check CHECK ((fence >= 0))
    attempts_made smallint NOT NULL
    created_at timestamp with time zone NOT NULL
    delivered_at timestamp with time zone
    fence integer NOT NULL
    id uuid NOT NULL
    kind character varying(20) NOT NULL
    last_error character varying(500) NOT NULL
    lease_until timestamp with time zone
    next_attempt_at timestamp with time zone NOT NULL
    person_id integer NOT NULL
    proposal_id uuid NOT NULL
    slack_channel character varying(40) NOT NULL
    slack_ts character varying(40) NOT NULL
    status character varying(10) NOT NULL
);

CREATE TABLE public.approvals_snooze (
    id bigint NOT NULL
    person_id integer NOT NULL
    proposal_id uuid NOT NULL
    until timestamp with time zone NOT NULL
);

CREATE TABLE public.approvals_timer (
    CONSTRAINT approvals_timer_level_check CHECK ((level >= 0))
    CONSTRAINT timer_is_inside_the_time CHECK (((share > (0.0)::double precision) AND (share < (1.0)::double precision)))
    CONSTRAINT timer_level_calls_a_role CHECK (((((kind)::text = 'level'::text) AND (level >= 1) AND (NOT ((role)::text = ''::text))) OR ((NOT ((kind)::text = 'level'::text)) AND (level = 0) AND (NOT widens))))
    CONSTRAINT timer_never_early CHECK (((fired_at IS NULL) OR ((due_at IS NOT NULL) AND (fired_at >= due_at))))
    due_at timestamp with time zone
    fired_at timestamp with time zone
    id bigint NOT NULL
    kind character varying(9) NOT NULL
    level smallint NOT NULL
    proposal_id uuid NOT NULL
    role character varying(150) NOT NULL
    share double precision NOT NULL
    widens boolean NOT NULL
);

CREATE TABLE public.approvals_upload (
    CONSTRAINT approvals_upload_count_check CHECK ((count >= 0))
    CONSTRAINT approvals_upload_size_check CHECK ((size >= 0))
    CONSTRAINT upload_has_rows CHECK ((count > 0))
    agent_id character varying(80) NOT NULL
    count integer NOT NULL
    created_at timestamp with time zone NOT NULL
    digest character varying(71) NOT NULL
    id uuid NOT NULL
    key character varying(200) NOT NULL
    kind character varying(200) NOT NULL
    kinds jsonb NOT NULL
    member character varying(200) NOT NULL
    proposal_id uuid
    seed character varying(64) NOT NULL
    size bigint NOT NULL
    surface_id character varying(80) NOT NULL
);

CREATE TABLE public.approvals_uploadchunk (
    CONSTRAINT approvals_uploadchunk_count_check CHECK ((count >= 0))
    CONSTRAINT approvals_uploadchunk_first_check CHECK ((first >= 0))
    CONSTRAINT approvals_uploadchunk_number_check CHECK ((number >= 0))
    body bytea NOT NULL
    count integer NOT NULL
    first integer NOT NULL
    id bigint NOT NULL
    number integer NOT NULL
    upload_id uuid NOT NULL
);

CREATE TABLE public.approvals_uploadscan (
    at timestamp with time zone NOT NULL
    checks_digest character varying(71) NOT NULL
    faults jsonb NOT NULL
    findings jsonb NOT NULL
    id bigint NOT NULL
    upload_id uuid NOT NULL
);

CREATE TABLE public.approvals_verdict (
    at timestamp with time zone NOT NULL
    facts jsonb NOT NULL
    id uuid NOT NULL
    outcome character varying(16) NOT NULL
    policy_digest character varying(71) NOT NULL
    policy_version_id integer
    reasons jsonb NOT NULL
    revision_id uuid NOT NULL
    tier_id character varying(80)
);

CREATE TABLE public.audit_entry (
    actor character varying(160) NOT NULL
    actor_name character varying(200) NOT NULL
    at timestamp with time zone NOT NULL
    data jsonb NOT NULL
    id bigint NOT NULL
    kind character varying(64) NOT NULL
    subject character varying(160) NOT NULL
);

CREATE TABLE public.hitlportal_linkrequest (
    asked_at timestamp with time zone NOT NULL
    id bigint NOT NULL
    username character varying(150) NOT NULL
);

CREATE TABLE public.policies_accesschange (
    after jsonb NOT NULL
    at timestamp with time zone NOT NULL
    before jsonb NOT NULL
    by_id integer
    by_name character varying(200) NOT NULL
    id bigint NOT NULL
    name character varying(200) NOT NULL
    subject character varying(160) NOT NULL
);

CREATE TABLE public.policies_activation (
    at timestamp with time zone NOT NULL
    by_id integer
    id bigint NOT NULL
    version_id integer NOT NULL
);

CREATE TABLE public.policies_agent (
    CONSTRAINT policies_agent_rate_per_minute_check CHECK ((rate_per_minute >= 0))
    callback_hosts character varying(253)[] NOT NULL
    callback_secret text NOT NULL
    callback_when character varying(8) NOT NULL
    description text NOT NULL
    model character varying(120) NOT NULL
    name character varying(120) NOT NULL
    owner_id integer NOT NULL
    rate_per_minute integer
    slug character varying(80) NOT NULL
    status character varying(10) NOT NULL
);

CREATE TABLE public.policies_apikey (
    agent_id character varying(80) NOT NULL
    created_at timestamp with time zone NOT NULL
    created_by_id integer
    expires_at timestamp with time zone
    id bigint NOT NULL
    last_used_at timestamp with time zone
    loosening_id bigint
    prefix character varying(12) NOT NULL
    revoked_at timestamp with time zone
    secret_hash bytea NOT NULL
);

CREATE TABLE public.policies_calendar (
    friday character varying(120) NOT NULL
    holidays date[] NOT NULL
    monday character varying(120) NOT NULL
    saturday character varying(120) NOT NULL
    slug character varying(80) NOT NULL
    sunday character varying(120) NOT NULL
    thursday character varying(120) NOT NULL
    time_zone character varying(64) NOT NULL
    tuesday character varying(120) NOT NULL
    wednesday character varying(120) NOT NULL
);

CREATE TABLE public.policies_connector (
    CONSTRAINT connector_webhook_has_address_pull_has_executor CHECK (((((kind)::text = 'webhook'::text) AND (NOT ((url)::text = ''::text))) OR ((executor_id IS NOT NULL) AND ((kind)::text = 'pull'::text))))
    CONSTRAINT policies_connector_timeout_seconds_check CHECK ((timeout_seconds >= 0))
    executor_id character varying(80)
    is_enabled boolean NOT NULL
    kind character varying(10) NOT NULL
    secret text NOT NULL
    slug character varying(80) NOT NULL
    timeout_seconds smallint NOT NULL
    url character varying(200) NOT NULL
);

CREATE TABLE public.policies_escalation (
    CONSTRAINT escalation_waits_first CHECK (((after > '00:00:00'::interval) AND (level >= 1)))
    CONSTRAINT policies_escalation_level_check CHECK ((level >= 0))
    after interval NOT NULL
    id bigint NOT NULL
    level smallint NOT NULL
    role_id character varying(150) NOT NULL
    surface_id character varying(80) NOT NULL
    widens boolean NOT NULL
);

CREATE TABLE public.policies_guardrail (
    CONSTRAINT guardrail_tier_goes_with_its_effect CHECK (((((effect)::text = 'tier'::text) AND (tier_id IS NOT NULL)) OR ((NOT ((effect)::text = 'tier'::text)) AND (tier_id IS NULL))))
    config jsonb NOT NULL
    effect character varying(4) NOT NULL
    is_enabled boolean NOT NULL
    kind character varying(20) NOT NULL
    paths character varying(120)[] NOT NULL
    slug character varying(80) NOT NULL
    surfaces character varying(120)[] NOT NULL
    text character varying(300) NOT NULL
    tier_id character varying(80)
);

CREATE TABLE public.policies_historicalagent (
    CONSTRAINT policies_historicalagent_rate_per_minute_check CHECK ((rate_per_minute >= 0))
    callback_hosts character varying(253)[] NOT NULL
    callback_when character varying(8) NOT NULL
    description text NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    model character varying(120) NOT NULL
    name character varying(120) NOT NULL
    owner_id integer
    rate_per_minute integer
    slug character varying(80) NOT NULL
    status character varying(10) NOT NULL
);

CREATE TABLE public.policies_historicalcalendar (
    friday character varying(120) NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    holidays date[] NOT NULL
    monday character varying(120) NOT NULL
    saturday character varying(120) NOT NULL
    slug character varying(80) NOT NULL
    sunday character varying(120) NOT NULL
    thursday character varying(120) NOT NULL
    time_zone character varying(64) NOT NULL
    tuesday character varying(120) NOT NULL
    wednesday character varying(120) NOT NULL
);

CREATE TABLE public.policies_historicalconnector (
    CONSTRAINT policies_historicalconnector_timeout_seconds_check CHECK ((timeout_seconds >= 0))
    executor_id character varying(80)
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    is_enabled boolean NOT NULL
    kind character varying(10) NOT NULL
    slug character varying(80) NOT NULL
    timeout_seconds smallint NOT NULL
    url character varying(200) NOT NULL
);

CREATE TABLE public.policies_historicalescalation (
    CONSTRAINT policies_historicalescalation_level_check CHECK ((level >= 0))
    after interval NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    id bigint NOT NULL
    level smallint NOT NULL
    role_id character varying(150)
    surface_id character varying(80)
    widens boolean NOT NULL
);

CREATE TABLE public.policies_historicalguardrail (
    config jsonb NOT NULL
    effect character varying(4) NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    is_enabled boolean NOT NULL
    kind character varying(20) NOT NULL
    paths character varying(120)[] NOT NULL
    slug character varying(80) NOT NULL
    surfaces character varying(120)[] NOT NULL
    text character varying(300) NOT NULL
    tier_id character varying(80)
);

CREATE TABLE public.policies_historicalkillswitch (
    agent_id character varying(80)
    engaged_at timestamp with time zone
    engaged_by_id integer
    engaged_by_name character varying(200) NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    is_engaged boolean NOT NULL
    reason character varying(500) NOT NULL
    scope character varying(100) NOT NULL
    surface_id character varying(80)
);

CREATE TABLE public.policies_historicallimit (
    "limit" double precision NOT NULL
    "window" character varying(7) NOT NULL
    agents character varying(120)[] NOT NULL
    currency character varying(3) NOT NULL
    effect character varying(4) NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    is_enabled boolean NOT NULL
    length interval NOT NULL
    measure character varying(13) NOT NULL
    per character varying(17) NOT NULL
    slug character varying(80) NOT NULL
    surfaces character varying(120)[] NOT NULL
    tier_id character varying(80)
    time_zone character varying(64) NOT NULL
    warning double precision
    warning_effect character varying(4) NOT NULL
    warning_tier_id character varying(80)
);

CREATE TABLE public.policies_historicalmandate (
    agent_id character varying(80)
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    id bigint NOT NULL
    surface_id character varying(80)
    tier_id character varying(80)
);

CREATE TABLE public.policies_historicalpolicytest (
    deciding character varying(80) NOT NULL
    facts jsonb NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    outcome character varying(16) NOT NULL
    slug character varying(80) NOT NULL
    tier character varying(80) NOT NULL
);

CREATE TABLE public.policies_historicalrequirement (
    CONSTRAINT policies_historicalrequirement_approvals_check CHECK ((approvals >= 0))
    CONSTRAINT policies_historicalrequirement_denials_check CHECK ((denials >= 0))
    CONSTRAINT policies_historicalrequirement_stage_check CHECK ((stage >= 0))
    approvals smallint NOT NULL
    denials smallint NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    id bigint NOT NULL
    name character varying(80) NOT NULL
    role_id character varying(150)
    stage smallint NOT NULL
    surface_id character varying(80)
    tier_id character varying(80)
);

CREATE TABLE public.policies_historicalrule (
    actions character varying(120)[] NOT NULL
    agents character varying(120)[] NOT NULL
    all_tags character varying(120)[] NOT NULL
    any_tags character varying(120)[] NOT NULL
    condition text NOT NULL
    decision character varying(16) NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    is_enabled boolean NOT NULL
    reason character varying(300) NOT NULL
    requirements jsonb
    slug character varying(80) NOT NULL
    surfaces character varying(120)[] NOT NULL
    tier_id character varying(80)
    topics character varying(120)[] NOT NULL
);

CREATE TABLE public.policies_historicalsurface (
    agent_owner_may_decide boolean NOT NULL
    amount_pointer character varying(200) NOT NULL
    audience_pointer character varying(200) NOT NULL
    calendar_id character varying(80)
    card character varying(40) NOT NULL
    confidence_high double precision NOT NULL
    confidence_low double precision NOT NULL
    connector_id character varying(80)
    cool_down interval NOT NULL
    currency character varying(3) NOT NULL
    deadline interval NOT NULL
    derived_tags jsonb NOT NULL
    description text NOT NULL
    distinct_people boolean NOT NULL
    editor_may_approve boolean NOT NULL
    floor_id character varying(80)
    has_legal_effect boolean NOT NULL
    has_personal_data boolean NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    is_customer_facing boolean NOT NULL
    is_enabled boolean NOT NULL
    is_irreversible boolean NOT NULL
    name character varying(120) NOT NULL
    owner_id character varying(150)
    params jsonb NOT NULL
    payload_schema jsonb NOT NULL
    retention interval NOT NULL
    senior_tier_id character varying(80)
    shelf_life interval
    slug character varying(80) NOT NULL
    spends_money boolean NOT NULL
    tier_id character varying(80)
    time_zone character varying(64) NOT NULL
    undo_window interval NOT NULL
    writes_to_production boolean NOT NULL
);

CREATE TABLE public.policies_historicaltier (
    CONSTRAINT policies_historicaltier_rank_check CHECK ((rank >= 0))
    description text NOT NULL
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    hold interval NOT NULL
    name character varying(80) NOT NULL
    posture character varying(3) NOT NULL
    rank smallint NOT NULL
    review character varying(12) NOT NULL
    sample_rate double precision NOT NULL
    slug character varying(80) NOT NULL
);

CREATE TABLE public.policies_historicaltuning (
    history_change_reason character varying(100)
    history_date timestamp with time zone NOT NULL
    history_id integer NOT NULL
    history_type character varying(1) NOT NULL
    history_user_id integer
    id bigint NOT NULL
    role_id character varying(150)
    surface_id character varying(80)
);

CREATE TABLE public.policies_killswitch (
    CONSTRAINT kill_switch_engaged_says_when_and_why CHECK (((NOT is_engaged) OR ((engaged_at IS NOT NULL) AND (NOT ((reason)::text = ''::text)))))
    CONSTRAINT kill_switch_scope_says_what_it_stops CHECK ((((agent_id IS NULL) AND ((scope)::text = 'everywhere'::text) AND (surface_id IS NULL)) OR ((agent_id IS NULL) AND ((scope)::text ~~ 'surface:%'::text) AND (surface_id IS NOT NULL)) OR ((agent_id IS NOT NULL) AND ((scope)::text ~~ 'agent:%'::text) AND (surface_id IS NULL))))
    agent_id character varying(80)
    engaged_at timestamp with time zone
    engaged_by_id integer
    engaged_by_name character varying(200) NOT NULL
    is_engaged boolean NOT NULL
    reason character varying(500) NOT NULL
    scope character varying(100) NOT NULL
    surface_id character varying(80)
);

CREATE TABLE public.policies_limit (
    "limit" double precision NOT NULL
    "window" character varying(7) NOT NULL
    CONSTRAINT limit_currency_is_of_amounts CHECK ((((measure)::text = 'amount'::text) OR ((currency)::text = ''::text)))
    CONSTRAINT limit_not_negative CHECK (("limit" >= (0.0)::double precision))
    CONSTRAINT limit_rolling_window_has_a_length CHECK ((((length > '00:00:00'::interval) AND (("window")::text = 'rolling'::text)) OR ((NOT (("window")::text = 'rolling'::text)) AND (length = '00:00:00'::interval))))
    CONSTRAINT limit_warns_before_it_strikes CHECK (((warning IS NULL) OR (warning <= "limit")))
    agents character varying(120)[] NOT NULL
    currency character varying(3) NOT NULL
    effect character varying(4) NOT NULL
    is_enabled boolean NOT NULL
    length interval NOT NULL
    measure character varying(13) NOT NULL
    per character varying(17) NOT NULL
    slug character varying(80) NOT NULL
    surfaces character varying(120)[] NOT NULL
    tier_id character varying(80)
    time_zone character varying(64) NOT NULL
    warning double precision
    warning_effect character varying(4) NOT NULL
    warning_tier_id character varying(80)
);

CREATE TABLE public.policies_loosening (
    CONSTRAINT loosening_needs_a_second_person CHECK (((NOT ((status)::text = 'done'::text)) OR ((answered_by_id IS NOT NULL) AND (NOT ((answered_by_id = asked_by_id) AND (answered_by_id IS NOT NULL))))))
    answered_at timestamp with time zone
    answered_by_id integer
    answered_by_name character varying(200) NOT NULL
    asked_at timestamp with time zone NOT NULL
    asked_by_id integer NOT NULL
    asked_by_name character varying(200) NOT NULL
    base_id integer
    change jsonb NOT NULL
    id bigint NOT NULL
    kind character varying(8) NOT NULL
    note character varying(500) NOT NULL
    status character varying(8) NOT NULL
    subject character varying(200) NOT NULL
);

CREATE TABLE public.policies_mandate (
    agent_id character varying(80) NOT NULL
    id bigint NOT NULL
    surface_id character varying(80) NOT NULL
    tier_id character varying(80) NOT NULL
);

CREATE TABLE public.policies_policytest (
    deciding character varying(80) NOT NULL
    facts jsonb NOT NULL
    outcome character varying(16) NOT NULL
    slug character varying(80) NOT NULL
    tier character varying(80) NOT NULL
);

CREATE TABLE public.policies_policyversion (
    agreed_by character varying(200) NOT NULL
    asked_by character varying(200) NOT NULL
    created_at timestamp with time zone NOT NULL
    created_by_id integer
    digest character varying(71) NOT NULL
    document jsonb NOT NULL
    is_part boolean NOT NULL
    number integer NOT NULL
    written_by character varying(500) NOT NULL
);

CREATE TABLE public.policies_replayrun (
    CONSTRAINT policies_replayrun_crashes_check CHECK ((crashes >= 0))
    CONSTRAINT policies_replayrun_done_check CHECK ((done >= 0))
    CONSTRAINT policies_replayrun_fence_check CHECK ((fence >= 0))
    CONSTRAINT policies_replayrun_most_check CHECK ((most >= 0))
    CONSTRAINT policies_replayrun_total_check CHECK ((total >= 0))
    CONSTRAINT replay_is_done_iff_it_has_a_result CHECK ((((result IS NOT NULL) AND ((status)::text = 'done'::text)) OR ((NOT ((status)::text = 'done'::text)) AND (result IS NULL))))
    asked_at timestamp with time zone NOT NULL
    asked_by_id integer
    asked_by_name character varying(200) NOT NULL
    crashes integer NOT NULL
    digest character varying(71) NOT NULL
    document jsonb NOT NULL
    done integer NOT NULL
    error character varying(500) NOT NULL
    fence integer NOT NULL
    finished_at timestamp with time zone
    id bigint NOT NULL
    last uuid
    lease_until timestamp with time zone
    most integer NOT NULL
    result jsonb
    since timestamp with time zone NOT NULL
    status character varying(8) NOT NULL
    tally jsonb
    total integer
    version integer
);

CREATE TABLE public.policies_requirement (
    CONSTRAINT policies_requirement_approvals_check CHECK ((approvals >= 0))
    CONSTRAINT policies_requirement_denials_check CHECK ((denials >= 0))
    CONSTRAINT policies_requirement_stage_check CHECK ((stage >= 0))
    CONSTRAINT requirement_asks_for_somebody CHECK (((approvals >= 0) AND (denials >= 1) AND (stage >= 1)))
    approvals smallint NOT NULL
    denials smallint NOT NULL
    id bigint NOT NULL
    name character varying(80) NOT NULL
    role_id character varying(150) NOT NULL
    stage smallint NOT NULL
    surface_id character varying(80) NOT NULL
    tier_id character varying(80)
);

CREATE TABLE public.policies_rule (
    CONSTRAINT rule_denial_has_no_tier CHECK (((NOT ((decision)::text = 'deny'::text)) OR (tier_id IS NULL)))
    actions character varying(120)[] NOT NULL
    agents character varying(120)[] NOT NULL
    all_tags character varying(120)[] NOT NULL
    any_tags character varying(120)[] NOT NULL
    condition text NOT NULL
    decision character varying(16) NOT NULL
    is_enabled boolean NOT NULL
    reason character varying(300) NOT NULL
    requirements jsonb
    slug character varying(80) NOT NULL
    surfaces character varying(120)[] NOT NULL
    tier_id character varying(80)
    topics character varying(120)[] NOT NULL
);

CREATE TABLE public.policies_surface (
    CONSTRAINT surface_confidence_bands_in_order CHECK (((confidence_high <= (1.0)::double precision) AND (confidence_low >= (0.0)::double precision) AND (confidence_low <= confidence_high)))
    CONSTRAINT surface_durations_make_sense CHECK (((cool_down >= '00:00:00'::interval) AND (deadline > '00:00:00'::interval) AND (retention > '00:00:00'::interval) AND (undo_window >= '00:00:00'::interval) AND ((shelf_life IS NULL) OR (shelf_life > '00:00:00'::interval))))
    agent_owner_may_decide boolean NOT NULL
    amount_pointer character varying(200) NOT NULL
    audience_pointer character varying(200) NOT NULL
    calendar_id character varying(80)
    card character varying(40) NOT NULL
    confidence_high double precision NOT NULL
    confidence_low double precision NOT NULL
    connector_id character varying(80)
    cool_down interval NOT NULL
    currency character varying(3) NOT NULL
    deadline interval NOT NULL
    derived_tags jsonb NOT NULL
    description text NOT NULL
    distinct_people boolean NOT NULL
    editor_may_approve boolean NOT NULL
    floor_id character varying(80) NOT NULL
    has_legal_effect boolean NOT NULL
    has_personal_data boolean NOT NULL
    is_customer_facing boolean NOT NULL
    is_enabled boolean NOT NULL
    is_irreversible boolean NOT NULL
    name character varying(120) NOT NULL
    owner_id character varying(150) NOT NULL
    params jsonb NOT NULL
    payload_schema jsonb NOT NULL
    retention interval NOT NULL
    senior_tier_id character varying(80) NOT NULL
    shelf_life interval
    slug character varying(80) NOT NULL
    spends_money boolean NOT NULL
    tier_id character varying(80) NOT NULL
    time_zone character varying(64) NOT NULL
    undo_window interval NOT NULL
    writes_to_production boolean NOT NULL
);

CREATE TABLE public.policies_tier (
    CONSTRAINT policies_tier_rank_check CHECK ((rank >= 0))
    CONSTRAINT tier_hold_not_negative CHECK ((hold >= '00:00:00'::interval))
    CONSTRAINT tier_in_the_loop_iff_reviewed CHECK (((((posture)::text = 'in'::text) AND (NOT ((review)::text = 'none'::text))) OR ((NOT ((posture)::text = 'in'::text)) AND ((review)::text = 'none'::text))))
    CONSTRAINT tier_sample_rate_is_a_share CHECK (((sample_rate >= (0.0)::double precision) AND (sample_rate <= (1.0)::double precision)))
    description text NOT NULL
    hold interval NOT NULL
    name character varying(80) NOT NULL
    posture character varying(3) NOT NULL
    rank smallint NOT NULL
    review character varying(12) NOT NULL
    sample_rate double precision NOT NULL
    slug character varying(80) NOT NULL
);

CREATE TABLE public.policies_tuning (
    id bigint NOT NULL
    role_id character varying(150) NOT NULL
    surface_id character varying(80) NOT NULL
);

CREATE TRIGGER pgtrigger_append_only_a6b88 BEFORE DELETE OR UPDATE ON public.audit_entry FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_append_only_a6b88();

CREATE TRIGGER pgtrigger_asked_once_3bd0d BEFORE UPDATE ON public.approvals_proposal FOR EACH ROW WHEN (((old.id IS DISTINCT FROM new.id) OR ((old.agent_id)::text IS DISTINCT FROM (new.agent_id)::text) OR ((old.surface_id)::text IS DISTINCT FROM (new.surface_id)::text) OR ((old.action)::text IS DISTINCT FROM (new.action)::text) OR (old.created_at IS DISTINCT FROM new.created_at) OR (old.expires_at IS DISTINCT FROM new.expires_at) OR ((old.callback_url)::text IS DISTINCT FROM (new.callback_url)::text) OR ((old.callback_when)::text IS DISTINCT FROM (new.callback_when)::text) OR (old.agent_owner_id IS DISTINCT FROM new.agent_owner_id) OR ((old.agent_owner_name)::text IS DISTINCT FROM (new.agent_owner_name)::text) OR (old.key_issuer_id IS DISTINCT FROM new.key_issuer_id) OR ((old.key_issuer_name)::text IS DISTINCT FROM (new.key_issuer_name)::text))) EXECUTE FUNCTION public.pgtrigger_asked_once_3bd0d();

CREATE TRIGGER pgtrigger_attempt_never_deleted_3cd00 BEFORE DELETE ON public.approvals_attempt FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_attempt_never_deleted_3cd00();

CREATE TRIGGER pgtrigger_attempt_same_try_bf8a2 BEFORE UPDATE ON public.approvals_attempt FOR EACH ROW WHEN (((old.dispatch_id IS DISTINCT FROM new.dispatch_id) OR (old.fence IS DISTINCT FROM new.fence) OR ((old.worker)::text IS DISTINCT FROM (new.worker)::text) OR ((old.digest)::text IS DISTINCT FROM (new.digest)::text) OR (old.started_at IS DISTINCT FROM new.started_at) OR (old.policy_version IS DISTINCT FROM new.policy_version) OR (old.requirements IS DISTINCT FROM new.requirements) OR (old.distinct_people IS DISTINCT FROM new.distinct_people))) EXECUTE FUNCTION public.pgtrigger_attempt_same_try_bf8a2();

CREATE TRIGGER pgtrigger_bound_for_good_ca7fb BEFORE UPDATE ON public.approvals_decisiontoken FOR EACH ROW WHEN ((((old.hash)::text IS DISTINCT FROM (new.hash)::text) OR (old.person_id IS DISTINCT FROM new.person_id) OR (old.proposal_id IS DISTINCT FROM new.proposal_id) OR (old.revision_number IS DISTINCT FROM new.revision_number) OR ((old.digest)::text IS DISTINCT FROM (new.digest)::text) OR (old.expires_at IS DISTINCT FROM new.expires_at))) EXECUTE FUNCTION public.pgtrigger_bound_for_good_ca7fb();

CREATE TRIGGER pgtrigger_cancelled_once_8f620 BEFORE UPDATE ON public.approvals_absence FOR EACH ROW WHEN ((old.cancelled_at IS NOT NULL)) EXECUTE FUNCTION public.pgtrigger_cancelled_once_8f620();

CREATE TRIGGER pgtrigger_copied_once_22744 BEFORE UPDATE ON public.approvals_timer FOR EACH ROW WHEN (((old.proposal_id IS DISTINCT FROM new.proposal_id) OR ((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR (old.level IS DISTINCT FROM new.level) OR ((old.role)::text IS DISTINCT FROM (new.role)::text) OR (old.widens IS DISTINCT FROM new.widens) OR (old.share IS DISTINCT FROM new.share))) EXECUTE FUNCTION public.pgtrigger_copied_once_22744();

CREATE TRIGGER pgtrigger_dispatch_legal_edges_9a90f BEFORE UPDATE ON public.approvals_dispatch FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_dispatch_legal_edges_9a90f();

CREATE TRIGGER pgtrigger_dispatch_never_deleted_606d0 BEFORE DELETE ON public.approvals_dispatch FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_dispatch_never_deleted_606d0();

CREATE TRIGGER pgtrigger_dispatch_same_work_8663e BEFORE UPDATE ON public.approvals_dispatch FOR EACH ROW WHEN (((old.id IS DISTINCT FROM new.id) OR (old.proposal_id IS DISTINCT FROM new.proposal_id) OR (old.revision_id IS DISTINCT FROM new.revision_id) OR ((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR ((old.digest)::text IS DISTINCT FROM (new.digest)::text))) EXECUTE FUNCTION public.pgtrigger_dispatch_same_work_8663e();

CREATE TRIGGER pgtrigger_fires_once_71031 BEFORE UPDATE ON public.approvals_timer FOR EACH ROW WHEN ((old.fired_at IS NOT NULL)) EXECUTE FUNCTION public.pgtrigger_fires_once_71031();

CREATE TRIGGER pgtrigger_has_a_kill_switch_202de AFTER INSERT ON public.policies_surface FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_has_a_kill_switch_202de();

CREATE TRIGGER pgtrigger_has_a_kill_switch_6941c AFTER INSERT ON public.policies_agent FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_has_a_kill_switch_6941c();

CREATE TRIGGER pgtrigger_immutable_2d59d BEFORE DELETE OR UPDATE ON public.approvals_outcome FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_2d59d();

CREATE TRIGGER pgtrigger_immutable_44a0d BEFORE DELETE OR UPDATE ON public.policies_activation FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_44a0d();

CREATE TRIGGER pgtrigger_immutable_44daa BEFORE DELETE OR UPDATE ON public.policies_accesschange FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_44daa();

CREATE TRIGGER pgtrigger_immutable_7ba56 BEFORE DELETE OR UPDATE ON public.approvals_assessment FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_7ba56();

CREATE TRIGGER pgtrigger_immutable_856aa BEFORE DELETE OR UPDATE ON public.approvals_verdict FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_856aa();

CREATE TRIGGER pgtrigger_immutable_891de BEFORE DELETE OR UPDATE ON public.policies_policyversion FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_891de();

CREATE TRIGGER pgtrigger_immutable_9fe38 BEFORE DELETE OR UPDATE ON public.approvals_decision FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_9fe38();

CREATE TRIGGER pgtrigger_immutable_cc558 BEFORE DELETE OR UPDATE ON public.approvals_revision FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_immutable_cc558();

CREATE TRIGGER pgtrigger_legal_edges_23a34 BEFORE UPDATE ON public.approvals_proposal FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_legal_edges_23a34();

CREATE TRIGGER pgtrigger_loosening_answered_once_49e10 BEFORE UPDATE ON public.policies_loosening FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_loosening_answered_once_49e10();

CREATE TRIGGER pgtrigger_loosening_never_deleted_c2ac4 BEFORE DELETE ON public.policies_loosening FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_loosening_never_deleted_c2ac4();

CREATE TRIGGER pgtrigger_loosening_same_change_84926 BEFORE UPDATE ON public.policies_loosening FOR EACH ROW WHEN ((((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR ((old.subject)::text IS DISTINCT FROM (new.subject)::text) OR (old.change IS DISTINCT FROM new.change) OR (old.base_id IS DISTINCT FROM new.base_id) OR (old.asked_by_id IS DISTINCT FROM new.asked_by_id) OR ((old.asked_by_name)::text IS DISTINCT FROM (new.asked_by_name)::text) OR (old.asked_at IS DISTINCT FROM new.asked_at))) EXECUTE FUNCTION public.pgtrigger_loosening_same_change_84926();

CREATE TRIGGER pgtrigger_never_deleted_2cce8 BEFORE DELETE ON public.approvals_timer FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_never_deleted_2cce8();

CREATE TRIGGER pgtrigger_never_deleted_31491 BEFORE DELETE ON public.approvals_proposal FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_never_deleted_31491();

CREATE TRIGGER pgtrigger_never_deleted_4a3c8 BEFORE DELETE ON public.approvals_absence FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_never_deleted_4a3c8();

CREATE TRIGGER pgtrigger_never_deleted_f9166 BEFORE DELETE ON public.policies_killswitch FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_never_deleted_f9166();

CREATE TRIGGER pgtrigger_noted_once_32185 BEFORE UPDATE ON public.approvals_absence FOR EACH ROW WHEN (((old.person_id IS DISTINCT FROM new.person_id) OR (old.delegate_id IS DISTINCT FROM new.delegate_id) OR (old.begins_at IS DISTINCT FROM new.begins_at) OR (old.ends_at IS DISTINCT FROM new.ends_at) OR (old.roles IS DISTINCT FROM new.roles) OR (old.surfaces IS DISTINCT FROM new.surfaces) OR (old.noted_at IS DISTINCT FROM new.noted_at) OR (old.noted_by_id IS DISTINCT FROM new.noted_by_id))) EXECUTE FUNCTION public.pgtrigger_noted_once_32185();

CREATE TRIGGER pgtrigger_reevaluation_immutable_26a88 BEFORE DELETE OR UPDATE ON public.approvals_reevaluation FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_reevaluation_immutable_26a88();

CREATE TRIGGER pgtrigger_replay_edges_91408 BEFORE UPDATE ON public.policies_replayrun FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_replay_edges_91408();

CREATE TRIGGER pgtrigger_replay_same_question_292de BEFORE UPDATE ON public.policies_replayrun FOR EACH ROW WHEN ((((old.digest)::text IS DISTINCT FROM (new.digest)::text) OR (old.document IS DISTINCT FROM new.document) OR (old.version IS DISTINCT FROM new.version) OR (old.since IS DISTINCT FROM new.since) OR (old.most IS DISTINCT FROM new.most) OR (old.asked_by_id IS DISTINCT FROM new.asked_by_id))) EXECUTE FUNCTION public.pgtrigger_replay_same_question_292de();

CREATE TRIGGER pgtrigger_starts_at_the_beginning_69f70 BEFORE INSERT ON public.approvals_proposal FOR EACH ROW WHEN ((NOT ((new.state)::text = ANY ((ARRAY['pending'::character varying, 'approved'::character varying, 'blocked'::character varying])::text[])))) EXECUTE FUNCTION public.pgtrigger_starts_at_the_beginning_69f70();

CREATE TRIGGER pgtrigger_upload_chunk_before_use_40fdf BEFORE INSERT ON public.approvals_uploadchunk FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_upload_chunk_before_use_40fdf();

CREATE TRIGGER pgtrigger_upload_chunk_immutable_de9a0 BEFORE UPDATE ON public.approvals_uploadchunk FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_upload_chunk_immutable_de9a0();

CREATE TRIGGER pgtrigger_upload_chunk_kept_once_used_cd9ef BEFORE DELETE ON public.approvals_uploadchunk FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_upload_chunk_kept_once_used_cd9ef();

CREATE TRIGGER pgtrigger_upload_kept_once_used_bbbd5 BEFORE DELETE ON public.approvals_upload FOR EACH ROW WHEN ((old.proposal_id IS NOT NULL)) EXECUTE FUNCTION public.pgtrigger_upload_kept_once_used_bbbd5();

CREATE TRIGGER pgtrigger_upload_of_one_proposal_e872a BEFORE UPDATE ON public.approvals_upload FOR EACH ROW WHEN (((old.proposal_id IS NOT NULL) AND (old.proposal_id IS DISTINCT FROM new.proposal_id))) EXECUTE FUNCTION public.pgtrigger_upload_of_one_proposal_e872a();

CREATE TRIGGER pgtrigger_upload_same_rows_4a2d0 BEFORE UPDATE ON public.approvals_upload FOR EACH ROW WHEN (((old.id IS DISTINCT FROM new.id) OR ((old.agent_id)::text IS DISTINCT FROM (new.agent_id)::text) OR ((old.surface_id)::text IS DISTINCT FROM (new.surface_id)::text) OR ((old.member)::text IS DISTINCT FROM (new.member)::text) OR (old.count IS DISTINCT FROM new.count) OR (old.size IS DISTINCT FROM new.size) OR ((old.digest)::text IS DISTINCT FROM (new.digest)::text) OR (old.kinds IS DISTINCT FROM new.kinds) OR ((old.key)::text IS DISTINCT FROM (new.key)::text) OR ((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR ((old.seed)::text IS DISTINCT FROM (new.seed)::text) OR (old.created_at IS DISTINCT FROM new.created_at))) EXECUTE FUNCTION public.pgtrigger_upload_same_rows_4a2d0();

CREATE TRIGGER pgtrigger_upload_scan_immutable_d75de BEFORE UPDATE ON public.approvals_uploadscan FOR EACH ROW EXECUTE FUNCTION public.pgtrigger_upload_scan_immutable_d75de();

CREATE TRIGGER pgtrigger_used_once_21325 BEFORE UPDATE ON public.approvals_decisiontoken FOR EACH ROW WHEN ((old.used_at IS NOT NULL)) EXECUTE FUNCTION public.pgtrigger_used_once_21325();

CREATE TRIGGER pgtrigger_who_is_close_stays_close_4b46f BEFORE UPDATE ON public.approvals_proposal FOR EACH ROW WHEN ((NOT (new.close_people @> old.close_people))) EXECUTE FUNCTION public.pgtrigger_who_is_close_stays_close_4b46f();

CREATE UNIQUE INDEX callback_only_one_where_one_is_wanted ON public.approvals_callback USING btree (proposal_id) WHERE (is_only AND (NOT ((status)::text = 'cancelled'::text)));

CREATE UNIQUE INDEX loosening_one_waiting_per_subject ON public.policies_loosening USING btree (kind, subject) WHERE ((status)::text = 'waiting'::text);

CREATE UNIQUE INDEX notice_waits_once ON public.approvals_noticedelivery USING btree (person_id, address_id, proposal_id, kind, channel) NULLS NOT DISTINCT WHERE ((status)::text = 'waiting'::text);

CREATE UNIQUE INDEX replay_one_at_a_time ON public.policies_replayrun USING btree (digest) WHERE ((status)::text = ANY ((ARRAY['waiting'::character varying, 'running'::character varying])::text[]));

CREATE UNLOGGED TABLE public.portal_cache (
    cache_key character varying(255) NOT NULL
    expires timestamp with time zone NOT NULL
    value text NOT NULL
);
