/* A report with every member that badmac.diagnosis.v1 has, for the tests beside. */
#ifndef BM_TESTS_FINDINGS_SAMPLE_H
#define BM_TESTS_FINDINGS_SAMPLE_H

#define SAMPLE_COUNTS "{\"verified\":10,\"failed\":1,\"undecided\":2,\"plaintext\":3}"
#define SAMPLE_ALERT                                                                               \
	"{\"direction\":\"server_to_client\",\"level\":\"fatal\",\"description\":\"bad_record_mac\","  \
	"\"code\":20,\"packet\":28,\"encrypted\":true}"
#define SAMPLE_DARK_ALERT                                                                          \
	"{\"direction\":\"client_to_server\",\"level\":null,\"description\":null,\"code\":null,"       \
	"\"packet\":null,\"encrypted\":false}"
#define SAMPLE_DAMAGE                                                                              \
	"{\"record_offset\":205,\"stream_offset\":3572,\"length\":2,\"packet\":21,"                    \
	"\"packet_offset\":271,\"received\":\"b0Ff\",\"sent\":\"a000\"}"
#define SAMPLE_DARK_DAMAGE                                                                         \
	"{\"record_offset\":300,\"stream_offset\":null,\"length\":0,\"packet\":null,"                  \
	"\"packet_offset\":null,\"received\":\"\",\"sent\":null}"
#define SAMPLE_FAILURE                                                                             \
	"{\"direction\":\"client_to_server\",\"epoch\":3,\"sequence_number\":4,"                       \
	"\"stream_offset\":3367,\"length\":1022,\"packets\":[21,22],\"cause\":\"bits-flipped\","       \
	"\"confidence\":\"proven\",\"at_fault\":[\"network\",\"sender-host\"],"                        \
	"\"summary\":\"Bits were flipped.\",\"proof\":{\"method\":\"ghash-syndrome\","                 \
	"\"tag_bits\":128,\"candidates\":8007,\"chance_log2\":-115.03},"                               \
	"\"damage\":[" SAMPLE_DAMAGE "," SAMPLE_DARK_DAMAGE "],"                                       \
	"\"checksum\":{\"as_captured\":\"valid\",\"as_sent\":\"invalid\"},"                            \
	"\"evidence\":[\"a fact\"],\"ruled_out\":[{\"cause\":\"record-replayed\","                     \
	"\"because\":\"it stands once\"}],\"next_steps\":[\"look\",\"again\"]}"
#define SAMPLE_DARK_FAILURE                                                                        \
	"{\"direction\":\"server_to_client\",\"epoch\":null,\"sequence_number\":null,"                 \
	"\"stream_offset\":null,\"length\":null,\"packets\":[],\"cause\":\"eaten-by-moths\","          \
	"\"confidence\":\"possible\",\"at_fault\":[],\"summary\":\"\",\"proof\":null,\"damage\":[],"   \
	"\"checksum\":{\"as_captured\":null,\"as_sent\":null},\"evidence\":[],\"ruled_out\":[],"       \
	"\"next_steps\":[]}"
#define SAMPLE_RANDOM "00112233445566778899aabbccddeeff0123456789ABCDEF0123456789abcdef"
#define SAMPLE_CONNECTION                                                                          \
	"{\"id\":7,\"capture\":\"a.pcap\",\"also_in\":[\"b.pcap\"],\"transport\":\"tcp\","             \
	"\"client\":\"192.0.2.1:49152\",\"server\":\"[2001:db8::1]:443\","                             \
	"\"server_name\":\"caf\\u00e9\\u001b\",\"first_time\":\"2026-11-23T23:03:49.553087000Z\","     \
	"\"last_time\":\"2026-11-23T23:03:50.000000000Z\",\"version\":\"TLS 1.3\","                    \
	"\"cipher_suite\":\"TLS_AES_256_GCM_SHA384\",\"client_random\":\"" SAMPLE_RANDOM "\","         \
	"\"resumed\":false,\"keys\":\"key log\",\"extended_master_secret\":true,"                      \
	"\"encrypt_then_mac\":false,\"truncated_hmac\":false,\"max_fragment_length\":1024,"            \
	"\"record_size_limit\":16384,\"compression\":1,\"result\":\"failed\","                         \
	"\"undecided_because\":\"x\",\"undecided_detail\":\"y\",\"undecided_next\":\"z\","             \
	"\"records\":{\"client_to_server\":" SAMPLE_COUNTS ",\"server_to_client\":" SAMPLE_COUNTS      \
	"},\"capture_gaps\":5,"                                                                        \
	"\"alerts\":[" SAMPLE_ALERT "," SAMPLE_DARK_ALERT "],"                                         \
	"\"failures\":[" SAMPLE_FAILURE "," SAMPLE_DARK_FAILURE "]}"
#define SAMPLE_DARK_CONNECTION                                                                     \
	"{\"id\":0,\"capture\":null,\"also_in\":[],\"transport\":\"udp\","                             \
	"\"client\":\"192.0.2.1:1\",\"server\":\"192.0.2.2:2\",\"server_name\":null,"                  \
	"\"first_time\":null,\"last_time\":null,\"version\":null,\"cipher_suite\":null,"               \
	"\"client_random\":null,\"resumed\":null,\"keys\":null,\"extended_master_secret\":false,"      \
	"\"encrypt_then_mac\":true,\"truncated_hmac\":true,\"max_fragment_length\":null,"              \
	"\"record_size_limit\":null,\"compression\":null,\"result\":\"undecided\","                    \
	"\"undecided_because\":null,\"undecided_detail\":null,\"undecided_next\":null,"                \
	"\"records\":{\"client_to_server\":" SAMPLE_COUNTS ",\"server_to_client\":" SAMPLE_COUNTS      \
	"},\"capture_gaps\":0,\"alerts\":[],\"failures\":[]}"
#define SAMPLE_SUMMARY                                                                             \
	"{\"result\":\"failed\",\"connections\":2,\"records\":" SAMPLE_COUNTS                          \
	",\"packets\":99,\"bytes\":12345,\"undecoded\":1,\"seen_elsewhere\":1,"                        \
	"\"notices\":[\"cut short\"]}"
#define SAMPLE                                                                                     \
	"{\"schema\":\"badmac.diagnosis.v1\",\"connections\":[\n" SAMPLE_CONNECTION                    \
	",\n" SAMPLE_DARK_CONNECTION "],\n\"summary\":" SAMPLE_SUMMARY "}\n"

#endif
