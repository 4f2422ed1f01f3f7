/** One row of each action as csv. Recorded once: a far end relies on them. */
import type { LedgerAction } from "../../../../protocol/ledger.ts";

export const csv: Readonly<Record<LedgerAction, string>> = {
  "workspace.created":
    '"1","2027-01-15T08:00:01.001Z","workspace.created","The workspace was created.","person","p-ada","","success","192.0.2.7","","","{""statement"":""yW6FoEwLZXzgMoPOhCmg2uCWTk2AkoekIt5kQNmqjN4""}","VyQ6XbxxZdUH6zQaPt0FLkX5V6r1SS0wg355ijTUl7Q","23Gm-yH812L8xwsRyST8T9SXAAI4PolW1l_v81rPJ4g"\r\n',
  "session.started":
    '"2","2027-01-15T08:00:02.002Z","session.started","A person signed in.","person","p-ada","p-ada","success","2001:db8::7","DE","Firefox, Linux","{""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","8ark-FNsnS19OvL7HqypnJTf7Odg-kDnvnm7zaKv_wo","IwOz724d7QDb49RjnIT0RarLrhfzXHH1D3kud_FiNxs"\r\n',
  "session.ended":
    '"3","2027-01-15T08:00:03.003Z","session.ended","A session ended.","edge","","p-ada","success","","","","{""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","HzCA49zpikx4f5G3vEBvabnBM3f5gwxkGg750A8wK18","_LHkQpZtJ2P5AC7lRWV7JPuDsjzVqUxoeY1PW26sTRs"\r\n',
  "session.refused":
    '"4","2027-01-15T08:00:04.004Z","session.refused","A sign-in was refused.","unknown","","","failure","192.0.2.8","","","{""code"":""sign_in_refused""}","4MSGEWxLgg-Mdir4UYXVPV6wWIbGijcgu_xyJPVu6rc","Zmdh_SBfOUW3eDBl4khVRXTjPEenr_RFJLLX9xGVdvk"\r\n',
  "trust.stated":
    '"5","2027-01-15T08:00:05.005Z","trust.stated","Who may do what was changed.","person","p-ada","p-otto","success","","","","{""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs"",""statement"":""nCsbNn9eZd4AWinmFohoUT0WZd74JgLLYVFpwHMjVGI"",""statementKind"":""person.add""}","JkXo35pMBvbzBFV6TdfZTNzf4f4WypH6vvqKTzhhFHg","nyWDUMor8KNJ8YOrGfChMTIWan-BIXolCIyutqhU7Iw"\r\n',
  "trust.refused":
    '"6","2027-01-15T08:00:06.006Z","trust.refused","A change of who may do what was refused.","person","p-ada","","failure","","","","{""code"":""place"",""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","\'-r_RbR1sjF5-BNZJMp5gRwDYmhyRj_ncu-hXa2_kooA","hZbKS5ECED36YwW5TVzG8m6YLiF7s2M-x1UghhePjDE"\r\n',
  "host.joined":
    '"7","2027-01-15T08:00:07.007Z","host.joined","A host asked to join.","host","h-vps-1","","success","198.51.100.4","","","{}","qQyv8FXkisYXQi1TsSLWNpjUkROHxAUAzWU9XHx8yxk","qukFVPGMk8A9nU9mJteBudqGsRP85f--voqT4riNsTw"\r\n',
  "host.connected":
    '"8","2027-01-15T08:00:08.008Z","host.connected","A host connected.","host","h-vps-1","","success","198.51.100.4","","","{}","_AVcT5Xo7wUFicEfp-2iqoXGEZfp6APLLyHKoo4RTPs","7LdtTdAlPamdC5C2G3UhRSeSBjLlA3i3OqplIfV59dI"\r\n',
  "host.disconnected":
    '"9","2027-01-15T08:00:09.009Z","host.disconnected","A host disconnected.","host","h-vps-1","","success","","","","{}","iVEXTsy4H_nmoysF7Z2TXGTbx1M3AI99G5UiA33b-bs","g503v74TXtYegI-QpdoqzrtR8LZWfOlHBEZr6gvN734"\r\n',
  "certificate.issued":
    '"10","2027-01-15T08:00:10.010Z","certificate.issued","A certificate was issued.","edge","","h-vps-1","success","","","","{""certificate"":""abababababababababababababababababababababababababababababababab""}","oaOk0jrnM7tXgUCF3Bn_26EWWENbUnyE72PrQhryTxE","I9h3VR0s8oEI3D7njcYlDe9YS0tssLJogXEczLBmYEk"\r\n',
  "command.accepted":
    '"11","2027-01-15T08:00:11.011Z","command.accepted","A command was accepted for a host.","person","p-ada","h-vps-1","success","192.0.2.7","","","{""intent"":""RuukfcaH8hOqBuFtHy39GIhv0NzL0PUOh74WsebeJoc"",""operation"":""gateway.restart@1"",""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","mbWnmcsbT8m-bzyXgQyMncni6weGG_JnPDwNMM4EIso","vhlLSfKc4fExBrFH9US7v99anTo42hCdO4Q0P5C0R0E"\r\n',
  "command.refused":
    '"12","2027-01-15T08:00:12.012Z","command.refused","A command was refused.","automation","k-robot","h-vps-1","failure","","","","{""code"":""target"",""operation"":""gateway.restart@1""}","thF_HlRIIIHSXaRlx4yIWN5bkpZ2ZxzRPLH_UsXl3qU","pNg8uebwtWHhsLeaFrR8qA6cqHF5q-YhHg980UhZTcA"\r\n',
  "command.receipt":
    '"13","2027-01-15T08:00:13.013Z","command.receipt","A host signed what became of a command.","host","h-vps-1","h-vps-1","success","","","","{""intent"":""RuukfcaH8hOqBuFtHy39GIhv0NzL0PUOh74WsebeJoc"",""receipt"":""ST_04wZ1jEsTfF98eNj3W2azeZcZtz5UfRtf-_NdbpU"",""verdict"":""executed""}","YUBCJKFmCGUO-AurtCXirJYsMqUnQIf-56bpV1kCBgk","bakH51GUmJkYNIljZIxFc81sS6S7REkA5dX23w77uC8"\r\n',
  "passkey.registered":
    '"14","2027-01-15T08:00:14.014Z","passkey.registered","A passkey was registered.","person","p-ada","p-ada","success","","","","{}","PQyRHKTgfm06qKAl284S_IRka-JRyUAYtzTX_8eXtvY","Mc0uhzyobxdXPY9oSlhls5gBXJxr9ijKwoXSPrv0F40"\r\n',
  "session.revoked":
    '"15","2027-01-15T08:00:15.015Z","session.revoked","A session was ended early.","person","p-ada","p-otto","success","","","","{""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","xRUVFezo0kGNTmGgnudiAy9q65VuT1xxZYHkfdzlAWQ","GOkr6EU-khVsCGB69qDjKX-ZwKb_GK8kaY9Mmg-M1Yw"\r\n',
  "invitation.made":
    '"16","2027-01-15T08:00:16.016Z","invitation.made","A person was invited.","person","p-ada","","success","","","","{""invitation"":""i-one""}","yxVGMeuBIfRAVI8PIastNyyszqhUv25nFGycX-c-Zgc","9jsGAiJHS_y8Mf7PWalFW9XYk78MS7WNLzwebvKTUz4"\r\n',
  "invitation.enrolled":
    '"17","2027-01-15T08:00:17.017Z","invitation.enrolled","An invited person enrolled a passkey.","unknown","","","success","203.0.113.9","","","{""invitation"":""i-one""}","pV6KS78BYJlLkwfPKSkTqTIRKuQOgdhNsdSfNsb3uCk","erkXL0UbHtJKPy6RWw38hVvPNdH8p-IIsw6PA2Jrn7Q"\r\n',
  "invitation.withdrawn":
    '"18","2027-01-15T08:00:18.018Z","invitation.withdrawn","An invitation was taken back.","person","p-ada","","success","","","","{""invitation"":""i-one""}","CwNIlxu1PX-rkAinTqOE4274c0bbJPptYq8IT5wMSoY","lzgup6-yUaK1G9uhsyAvZK9xNt_CJhhT5DAKJXjBrZA"\r\n',
  "proposal.made":
    '"19","2027-01-15T08:00:19.019Z","proposal.made","Something that needs several people was proposed.","person","p-ada","h-vps-1","success","","","","{""operation"":""host.drill@1"",""proposal"":""IK8oy4pE4DpuSwWwOyfYbVuc3bUaUFcp-JxnQJ_wp-0""}","H-lCv3TBYsj_Oe7_RsvzbUO02fFZ2vXlN0ObmgkUC44","1dD1fgvzm6k1lrH0D2xMVqXC6yMD5iavRZlrzgoFHFY"\r\n',
  "proposal.approved":
    '"20","2027-01-15T08:00:20.020Z","proposal.approved","One more person approved a proposal.","person","p-otto","","success","","","","{""proposal"":""IK8oy4pE4DpuSwWwOyfYbVuc3bUaUFcp-JxnQJ_wp-0""}","ELXqwf_HPBxwEzhIKa4Fl0jXaY4R0Kuc72QGcjwSbL8","34p472Nb4ijAjnEmRBaHqUlUpZ0tbZco4a--aDBBd0U"\r\n',
  "proposal.withdrawn":
    '"21","2027-01-15T08:00:21.021Z","proposal.withdrawn","A proposal was taken back.","person","p-ada","","success","","","","{""proposal"":""IK8oy4pE4DpuSwWwOyfYbVuc3bUaUFcp-JxnQJ_wp-0""}","oTNXM08lAWctXbw93Ax9j-ZguTjWTj6N0K7yvoJl1wk","YMA-_HlrDQCBp0QnmG-uNYI0-YxaM7PkU_iUHxghDjg"\r\n',
  "join-token.made":
    '"22","2027-01-15T08:00:22.022Z","join-token.made","A join file for a host was made.","person","p-ada","","success","","","","{}","LNSamVMkD_W2hREvST06N9Vb7EEp2sR158OSyvQIiM0","\'-fWYPFXJ5IW95WwMHnCwGrGmULJTfCQ0Jwrmry1njyM"\r\n',
  "certificate.revoked":
    '"23","2027-01-15T08:00:23.023Z","certificate.revoked","A host\'s client certificate was revoked.","edge","","h-vps-1","success","","","","{""certificate"":""cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd""}","570izxZmaAujCXY94L8phKOZUZ3u24WoRqgTQOdNBn8","pbHPCKymY9u4CETNs-M4Wflwb3D9QbSnGhgj-JIO3fk"\r\n',
  "host.frozen":
    '"24","2027-01-15T08:00:24.024Z","host.frozen","A host was shown two histories of who may do what, and obeys neither.","host","h-vps-1","h-vps-1","failure","","","","{}","rhHPUdt3YlzUD2gO207f4klqxbGiSAJ6BnHkGnnA-90","U6N-Vo1Q1Hgs0V-YctI7mL1w8fSJNG0ergQ82z4dfBE"\r\n',
  "host.reset":
    '"25","2027-01-15T08:00:25.025Z","host.reset","A host\'s owner made it forget whom it obeys.","host","h-vps-1","h-vps-1","success","","","","{}","t5ZVYO1224TMfKzefXOm5qqxHiCjbN9rLEorMdRBiaY","pNudo9dHi8IMWMqdEg9F6rzUrJ1-Q9GcfNqu68c_5hg"\r\n',
  "alert.raised":
    '"26","2027-01-15T08:00:26.026Z","alert.raised","An alert was raised.","edge","","h-vps-1","success","","","","{""alert"":""a-one"",""code"":""host.cloned""}","JYLxNR6SE_TANV_qhZMWcesm7e1uYKs72NTaKrMq-qI","eU-oa9tuYaRIiQ44wbrAeEn2AfDIGmt_qKgylJq_w9E"\r\n',
  "alert.acknowledged":
    '"27","2027-01-15T08:00:27.027Z","alert.acknowledged","A person took an alert.","person","p-ada","h-vps-1","success","","","","{""alert"":""a-one""}","mIcJKUvgqAfSRMeDVyjRFrQDzCn0LjLEbc7XDUapd9A","cKRErWJ0UtS7SIRBsyoohaZVPkHmCO4uc5e7Q4meUJs"\r\n',
  "alert.resolved":
    '"28","2027-01-15T08:00:28.028Z","alert.resolved","An alert was closed.","edge","","h-vps-1","success","","","","{""alert"":""a-one""}","xBZqArgxhjy2LNdwLhpCzfdrBBA46uhwZv8UBRywikI","MGSZkzZpLpEhjPBoiTRZbUjq1hiqrM-PTzBRdAgIBcs"\r\n',
  "setting.changed":
    '"29","2027-01-15T08:00:29.029Z","setting.changed","A setting of the control plane was changed.","person","p-ada","","success","","","","{""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs"",""setting"":""streamAdd"",""stream"":""s-one""}","dpLmYPjr8fT1ZJC1huw_6APRE7SWChL5cbED8kErBHk","ecP2Aq9KxDXiHQ4-98RhfTNlRIK0FdrQSrnXQktNX-M"\r\n',
  "evidence.read":
    '"30","2027-01-15T08:00:30.030Z","evidence.read","A person read what was signed for a command.","person","p-ada","h-vps-1","success","","","","{""intent"":""RuukfcaH8hOqBuFtHy39GIhv0NzL0PUOh74WsebeJoc""}","wl-UXIGx18XPLPf1JlFZQeeVlnkcTOyPvQLbQPAcu9o","CGxf7qbD5aypnPYmDHT-qECBaN2b1-XGn1murbYqCCU"\r\n',
  "calls.counted":
    '"31","2027-01-15T08:00:31.031Z","calls.counted","Ordinary requests were counted.","person","p-ada","","success","","","","{""calls"":{""since"":12,""total"":340}}","\'-S6gpkDAx5t3J5qAE2p7deidJjrzRO__ifhuIlgzVew","AKgigHCYtAlZO9JC_g-h1nSOMnzsIWAAlxkROLFm04A"\r\n',
  "ledger.exported":
    '"32","2027-01-15T08:00:32.032Z","ledger.exported","A copy of the activity log was taken.","person","p-ada","","success","","","","{""export"":{""format"":""jsonl"",""id"":""x-one"",""purpose"":""audit""},""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","9cvY9PIG8-xdszFHKpQenzKuAQFUE9IXLYd2AeOglTw","TZKmuF74dehP261jNm8TJD5QfT1hAcoJ40RMHl-ve9k"\r\n',
  "ledger.erased":
    '"33","2027-01-15T08:00:33.033Z","ledger.erased","A personal value was erased.","person","p-ada","","success","","","","{""erased"":{""field"":""source"",""index"":2},""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","iVRE4CDxfUhq9wNHWy3NPM9RO-CleIQwNg4wiSlDlD4","tATMRB3kRJfKTON3aJiC2uwYtk6w4YmD7o3sMeELfU4"\r\n',
  "ledger.sealed":
    '"34","2027-01-15T08:00:34.034Z","ledger.sealed","A full segment of the activity log was sealed.","edge","","","success","","","","{""segment"":{""first"":1,""hash"":""B3TSe1YGMlxs0jdpSkP6hM1ULfMAPO1aEwztY6hDDxA"",""last"":64,""n"":1}}","7-SylGyuHTNrgqpCxRSQKGf9mCyOO-ON8THL3NgIAik","2eDEQIQhCT6ol0sh0CFP1r3gh8ALxuPmk-v1VvgqwVw"\r\n',
  "ledger.dropped":
    '"35","2027-01-15T08:00:35.035Z","ledger.dropped","A sealed segment of the activity log was dropped; its hashes stay.","person","p-ada","","success","","","","{""segment"":{""first"":1,""hash"":""B3TSe1YGMlxs0jdpSkP6hM1ULfMAPO1aEwztY6hDDxA"",""last"":64,""n"":1}}","zzQmacY54KXx5vJAc10jbH_ukj7U-Lhx7eOJUoIG-yE","v6hcorcYy2hhDZjxe-WgpO5WTDjgaX8mz_LDQ-9xkv4"\r\n',
  "checkpoint.refused":
    '"36","2027-01-15T08:00:36.036Z","checkpoint.refused","The log was found to differ from what had been signed or seen.","edge","","","failure","","","","{""code"":""smaller"",""views"":{""held"":{""root"":""UVBcHloh3EysKr1waD77JGwjrHw0DoafRkPZUZ8vNQU"",""size"":9},""shown"":{""root"":""NLBjgMKEDJ9z8jIaTo5D5LtFSFQHxpSYJnrvzGxZ2hM"",""size"":7}}}","7X_-2v25bNMuk5qrdfvjH-np8BW2ZUn85HNOq0k_PTw","9mCSHekEbEUTHnvRHREaH8xW6HSkoUWeG-LFVxL9rgw"\r\n',
  "witness.refused":
    '"37","2027-01-15T08:00:37.037Z","witness.refused","A host refused to witness the activity log.","host","h-vps-1","","failure","","","","{""views"":{""held"":{""root"":""UVBcHloh3EysKr1waD77JGwjrHw0DoafRkPZUZ8vNQU"",""size"":9},""shown"":{""root"":""NLBjgMKEDJ9z8jIaTo5D5LtFSFQHxpSYJnrvzGxZ2hM"",""size"":7}}}","JNlatAZHcCfxX672vokMfm1sLX5D3U3viNt9LELxKJo","B4fAvBFqqfHbKeGSiWIBkHSCjVzoTIjBuvqInWICSgE"\r\n',
  "witness.reset":
    '"38","2027-01-15T08:00:38.038Z","witness.reset","A host\'s owner made it forget what it had witnessed.","host","h-vps-1","","success","","","","{}","4TFZDfWzkPDgiTHOmD8DKnyYv15rNrPsvT2QbixNHC0","vc_ru2TjLRds1x42vL5UuLdqNfu6L3E5s4ScNval2sA"\r\n',
  "stream.set-aside":
    '"39","2027-01-15T08:00:39.039Z","stream.set-aside","A far end would not take entries; they were set aside.","edge","","","failure","","","","{""code"":""status"",""range"":{""first"":3,""last"":5},""stream"":""s-one""}","uIT0COlbFmsjKjdpjOkkczMDxWO95rW2hv47FshD9Eo","rnmIcv6wDwFQcsF-ak3bT9P26uAcrjtfkuT4Ra4hmJA"\r\n',
  "stream.replayed":
    '"40","2027-01-15T08:00:40.040Z","stream.replayed","Entries that were set aside are sent again.","person","p-ada","","success","","","","{""range"":{""first"":3,""last"":5},""stream"":""s-one""}","lTTz2_X2hbbDwOyyCzI5nCfWiFcobg5eTn-_GMmuJW0","aqNQ-TKVMSoaAxT3pSJkjM1SQfZ79Z-_gyyu1WoUdj8"\r\n',
  "approval.refused":
    '"41","2027-01-15T08:00:41.041Z","approval.refused","Something that a signed-in person signed was refused.","person","p-ada","","failure","192.0.2.7","","","{""code"":""approval_used"",""session"":""J74MyXKjgVHEldtzedqGeEGGjCXeDVfDO9Ger-j5BVs""}","FWAxotun-KvRo0CSKhuRMVCp7hCCHfelPljZBuEpQzQ","\'-_1bPLY8Q7jzqH_8UMu9n1Pax5tCwgisRGpW25odVp4"\r\n',
  "address.banned":
    '"42","2027-01-15T08:00:42.042Z","address.banned","An address failed to prove itself too often and was banned for a while.","edge","","","failure","192.0.2.7","","","{""ban"":{""seconds"":300,""times"":2}}","yBm6Il-nac2jG6WgCxKfYlK9wavUAgsEPvmP2xddXtA","mtyCJ91z0_dFA1TMfIim941pRoci9u-YgGQoVHpsIQM"\r\n',
  "address.unbanned":
    '"43","2027-01-15T08:00:43.043Z","address.unbanned","A person ended the ban of an address.","person","p-ada","","success","192.0.2.7","","","{}","4ZmFluqCgRJxRWz249OF5er1VSqMpp_yLJ8Avmp925s","sanmxgTq2FsRltw9i0OWXrPfIgEVBP1lDKrMk1-wOVg"\r\n',
};
