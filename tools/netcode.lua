-- A dissector for the NETCODE 1.02 protocol, for Wireshark and tshark, tested with 4.0. How to install it, and how to
-- read what is sealed, is in README.md beside it.

set_plugin_info({ version = "1.0.0", description = "NETCODE 1.02" })

local netcode = Proto("netcode", "NETCODE 1.02")

local PREFIX_BYTES = 1
local VERSION = "NETCODE 1.02\0"
local VERSION_NAME = "NETCODE " -- what all versions start with
local U64_BYTES = 8
local NONCE_BYTES = 24
local PRIVATE_BYTES = 1024
local MAC_BYTES = 16
local REQUEST_BYTES = PREFIX_BYTES + #VERSION + 2 * U64_BYTES + NONCE_BYTES + PRIVATE_BYTES
local MIN_SEALED_BYTES = PREFIX_BYTES + 1 + MAC_BYTES
local MAX_SEQUENCE_BYTES = 8
local NEVER = UInt64(0xffffffff, 0xffffffff)
local CHALLENGE_BYTES = U64_BYTES + 300
local MAX_PAYLOAD_BYTES = 1200

local REQUEST, DENIED, CHALLENGE, RESPONSE, KEEP_ALIVE, PAYLOAD, DISCONNECT = 0, 1, 2, 3, 4, 5, 6

local TYPES = {
	[REQUEST] = "connection request",
	[DENIED] = "connection denied",
	[CHALLENGE] = "connection challenge",
	[RESPONSE] = "connection response",
	[KEEP_ALIVE] = "keep-alive",
	[PAYLOAD] = "payload",
	[DISCONNECT] = "disconnect",
}

-- Least and most bytes of sealed contents, by type.
local CONTENTS_BYTES = {
	[DENIED] = { 0, 0 },
	[CHALLENGE] = { CHALLENGE_BYTES, CHALLENGE_BYTES },
	[RESPONSE] = { CHALLENGE_BYTES, CHALLENGE_BYTES },
	[KEEP_ALIVE] = { 8, 8 },
	[PAYLOAD] = { 1, MAX_PAYLOAD_BYTES },
	[DISCONNECT] = { 0, 0 },
}

local fields = {
	prefix = ProtoField.uint8("netcode.prefix", "Prefix", base.HEX),
	type = ProtoField.uint8("netcode.type", "Type", base.DEC, TYPES, 0x0f),
	sequence_bytes = ProtoField.uint8("netcode.sequence_bytes", "Sequence bytes", base.DEC, nil, 0xf0),
	sequence = ProtoField.uint64("netcode.sequence", "Sequence"),
	version = ProtoField.stringz("netcode.version", "Version"),
	protocol_id = ProtoField.uint64("netcode.protocol_id", "Protocol id", base.HEX),
	expire_timestamp = ProtoField.uint64("netcode.expire_timestamp", "Expire timestamp"),
	expire_time = ProtoField.absolute_time("netcode.expire_time", "Expires", base.UTC),
	nonce = ProtoField.bytes("netcode.nonce", "Connect token nonce"),
	private = ProtoField.bytes("netcode.private", "Private data, sealed"),
	private_mac = ProtoField.bytes("netcode.private_mac", "MAC of the private data"),
	contents = ProtoField.bytes("netcode.contents", "Contents, sealed"),
	contents_bytes = ProtoField.uint32("netcode.contents_bytes", "Contents, bytes"),
	mac = ProtoField.bytes("netcode.mac", "MAC"),
	answer_in = ProtoField.framenum("netcode.answer_in", "Answer in", base.NONE, frametype.RESPONSE),
	answer_to = ProtoField.framenum("netcode.answer_to", "Answer to", base.NONE, frametype.REQUEST),
	answer_time = ProtoField.relative_time("netcode.answer_time", "Time until the answer"),
	repeat_of = ProtoField.framenum("netcode.repeat_of", "Same token as in"),
}
netcode.fields = fields

-- What makes every receiver ignore a packet.
local MALFORMED = {
	too_small = "smaller than any packet",
	type = "no such packet type",
	sequence_bytes = "number of sequence bytes out of range",
	size = "wrong size for its type",
	version = "another version of the protocol",
}

local experts = {
	padded = ProtoExpert.new("netcode.padded_sequence", "more sequence bytes than the number takes",
		expert.group.PROTOCOL, expert.severity.NOTE),
	expired = ProtoExpert.new("netcode.expired", "the token has expired",
		expert.group.SEQUENCE, expert.severity.NOTE),
	unanswered = ProtoExpert.new("netcode.unanswered", "no answer in this capture",
		expert.group.SEQUENCE, expert.severity.CHAT),
	cut_short = ProtoExpert.new("netcode.cut_short", "the capture does not have all of it",
		expert.group.UNDECODED, expert.severity.NOTE),
}
for what, text in pairs(MALFORMED) do
	experts[what] = ProtoExpert.new("netcode.malformed." .. what, text, expert.group.MALFORMED, expert.severity.ERROR)
end
netcode.experts = experts

netcode.prefs.udp_ports = Pref.range("UDP ports", "", "Ports on which everything is netcode. Connections whose request " ..
	"was captured are found without.", 65535)

-- What is remembered of a capture from its first pass, in the order of its frames.
local waiting    -- by "from to": requests and responses without an answer yet, oldest first
local answer_in  -- by frame of a request or response: its answer, as { frame, time }
local answer_to  -- by frame of an answer: what it answers, likewise
local first_with -- by MAC of the private data: the first frame that shows the token
local repeat_of  -- by frame of a request: that first frame, if it is another

function netcode.init()
	waiting, answer_in, answer_to, first_with, repeat_of = {}, {}, {}, {}, {}
end

local function path(from, from_port, to, to_port)
	return string.format("%s %d %s %d", tostring(from), from_port, tostring(to), to_port)
end

local function ask(pinfo, type)
	local key = path(pinfo.src, pinfo.src_port, pinfo.dst, pinfo.dst_port)
	waiting[key] = waiting[key] or { [REQUEST] = {}, [RESPONSE] = {} }
	table.insert(waiting[key][type], { frame = pinfo.number, time = pinfo.rel_ts })
end

-- An answer is to the newest packet that waits for one. Nothing that can be read without keys tells for which it was;
-- clients ask ten times a second, and most answers come sooner than that.
local function answer(pinfo, type)
	local asked = waiting[path(pinfo.dst, pinfo.dst_port, pinfo.src, pinfo.src_port)]
	if not asked then return end
	local question
	if type == CHALLENGE then
		question = table.remove(asked[REQUEST])
	elseif type == KEEP_ALIVE then
		-- From here on there is a connection, and further keep-alives answer nothing.
		question = table.remove(asked[RESPONSE])
		asked[RESPONSE] = {}
	elseif type == DENIED then
		question = table.remove(asked[RESPONSE]) or table.remove(asked[REQUEST])
	end
	if question then
		answer_to[pinfo.number] = question
		answer_in[question.frame] = { frame = pinfo.number, time = pinfo.rel_ts }
	end
end

local function add_generated(tree, field, value)
	tree:add(field, value):set_generated()
end

local function add_time(tree, duration)
	local seconds = math.floor(duration)
	add_generated(tree, fields.answer_time, NSTime.new(seconds, math.floor((duration - seconds) * 1e9 + 0.5)))
end

local function add_tracking(tree, pinfo, type)
	local answered, question = answer_in[pinfo.number], answer_to[pinfo.number]
	if answered then
		add_generated(tree, fields.answer_in, answered.frame)
	elseif (type == REQUEST or type == RESPONSE) and pinfo.visited then
		tree:add_proto_expert_info(experts.unanswered)
	end
	if question then
		add_generated(tree, fields.answer_to, question.frame)
		add_time(tree, pinfo.rel_ts - question.time)
	end
	if repeat_of[pinfo.number] then
		add_generated(tree, fields.repeat_of, repeat_of[pinfo.number])
	end
end

local function malformed(tree, pinfo, what)
	tree:add_proto_expert_info(experts[what])
	pinfo.cols.info:append(" [malformed: " .. MALFORMED[what] .. "]")
end

-- Sizes are those on the wire. Of a packet that was cut short by the capture, no more than the header is shown.
local function is_cut_short(buffer, tree)
	local cut = buffer:len() < buffer:reported_len()
	if cut then tree:add_proto_expert_info(experts.cut_short) end
	return cut
end

local function dissect_request(buffer, pinfo, tree)
	local bytes = buffer:reported_len()
	pinfo.cols.info:set(string.format("%s, %d bytes", TYPES[REQUEST], bytes))
	tree:add(fields.type, buffer(0, 1))
	if bytes ~= REQUEST_BYTES then
		return malformed(tree, pinfo, "size")
	end
	if is_cut_short(buffer, tree) then return end
	local at = PREFIX_BYTES
	local function take(bytes)
		at = at + bytes
		return buffer(at - bytes, bytes)
	end
	local version = take(#VERSION)
	tree:add(fields.version, version)
	if version:raw() ~= VERSION then
		return malformed(tree, pinfo, "version")
	end
	local protocol_id = take(U64_BYTES)
	tree:add_le(fields.protocol_id, protocol_id)
	pinfo.cols.info:append(", protocol id 0x" .. protocol_id:le_uint64():tohex())

	local expire_range = take(U64_BYTES)
	local expire = expire_range:le_uint64()
	local item = tree:add_le(fields.expire_timestamp, expire_range)
	if expire == NEVER then
		item:append_text(" (never)")
	elseif expire:higher() == 0 then
		tree:add(fields.expire_time, expire_range, NSTime.new(expire:tonumber(), 0)):set_generated()
		if expire:tonumber() <= pinfo.abs_ts then
			item:add_proto_expert_info(experts.expired)
		end
	end
	tree:add(fields.nonce, take(NONCE_BYTES))
	tree:add(fields.private, take(PRIVATE_BYTES - MAC_BYTES))
	local mac = take(MAC_BYTES)
	tree:add(fields.private_mac, mac)

	if not pinfo.visited then
		local token = mac:raw()
		repeat_of[pinfo.number] = first_with[token]
		first_with[token] = first_with[token] or pinfo.number
		ask(pinfo, REQUEST)
	end
	add_tracking(tree, pinfo, REQUEST)
end

-- The checks are those of a receiver, in the order of the standard.
local function dissect_sealed(buffer, pinfo, tree)
	local type, sequence_bytes = buffer(0, 1):bitfield(4, 4), buffer(0, 1):bitfield(0, 4)
	local bytes = buffer:reported_len()
	pinfo.cols.info:set(string.format("%s, %d bytes", TYPES[type] or "type " .. type, bytes))

	local prefix = tree:add(fields.prefix, buffer(0, 1))
	prefix:add(fields.sequence_bytes, buffer(0, 1))
	prefix:add(fields.type, buffer(0, 1))
	if bytes < MIN_SEALED_BYTES then
		return malformed(tree, pinfo, "too_small")
	end
	-- A request has a prefix of zero, nothing else.
	if type == REQUEST or not TYPES[type] then
		return malformed(tree, pinfo, "type")
	end
	if sequence_bytes < 1 or sequence_bytes > MAX_SEQUENCE_BYTES then
		return malformed(tree, pinfo, "sequence_bytes")
	end
	local contents_bytes = bytes - PREFIX_BYTES - sequence_bytes - MAC_BYTES
	if contents_bytes < 0 then
		return malformed(tree, pinfo, "too_small")
	end
	if buffer:len() < PREFIX_BYTES + sequence_bytes then
		is_cut_short(buffer, tree)
		return
	end

	local sequence = buffer(PREFIX_BYTES, sequence_bytes)
	local item = tree:add_le(fields.sequence, sequence)
	if sequence_bytes > 1 and sequence(sequence_bytes - 1, 1):uint() == 0 then
		item:add_proto_expert_info(experts.padded)
	end
	pinfo.cols.info:append(", sequence " .. tostring(sequence:le_uint64()))
	add_generated(tree, fields.contents_bytes, contents_bytes)
	local allowed = CONTENTS_BYTES[type]
	if contents_bytes < allowed[1] or contents_bytes > allowed[2] then
		return malformed(tree, pinfo, "size")
	end
	if not pinfo.visited then
		if type == RESPONSE then ask(pinfo, RESPONSE) else answer(pinfo, type) end
	end
	add_tracking(tree, pinfo, type)
	if is_cut_short(buffer, tree) then return end
	if contents_bytes > 0 then
		tree:add(fields.contents, buffer(PREFIX_BYTES + sequence_bytes, contents_bytes))
	end
	tree:add(fields.mac, buffer(bytes - MAC_BYTES, MAC_BYTES))
end

function netcode.dissector(buffer, pinfo, root)
	if buffer:len() == 0 then return 0 end
	pinfo.cols.protocol:set("NETCODE")
	local tree = root:add(netcode, buffer())
	if buffer(0, 1):uint() == REQUEST then
		dissect_request(buffer, pinfo, tree)
	else
		dissect_sealed(buffer, pinfo, tree)
	end
	return buffer:len()
end

-- A request says what it is. All other packets could be anything, so they count as netcode between two ends of which
-- one has made a request.
local function is_request(buffer)
	return buffer:len() >= PREFIX_BYTES + #VERSION_NAME and buffer(0, 1):uint() == REQUEST
		and buffer(PREFIX_BYTES, #VERSION_NAME):raw() == VERSION_NAME
end

netcode:register_heuristic("udp", function(buffer, pinfo, root)
	if not is_request(buffer) then return false end
	pinfo.conversation = netcode
	netcode.dissector(buffer, pinfo, root)
	return true
end)

local udp = DissectorTable.get("udp.port")
local registered = ""

function netcode.prefs_changed()
	if registered ~= "" then udp:remove(registered, netcode) end
	registered = netcode.prefs.udp_ports
	if registered ~= "" then udp:add(registered, netcode) end
end

udp:add_for_decode_as(netcode)
